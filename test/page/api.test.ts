import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ingestShapes, openTestApp, type TestApp } from '../support/app.js';
import { expectAccessible, hasBrowser, PageHost } from './page-host.js';

const GRAPHIQL = '.graphiql-container';
const STRICT = "default-src 'none'; script-src 'self'; style-src 'self'; img-src";

describe.skipIf(!hasBrowser())('the part for programs', () => {
  let app: TestApp;
  let host: PageHost;
  beforeAll(async () => {
    app = await openTestApp('embedded');
    await ingestShapes(app);
    host = await PageHost.open(app);
  });
  afterAll(async () => {
    await host.close();
    await app.close();
    expect(host.faults).toEqual([]);
    expect(app.unexpected).toEqual([]);
  });

  /** The policy of the document that a click loads. */
  const policyAfter = async (page: Page, link: string) => {
    const [response] = await Promise.all([
      page.waitForResponse((answer) => answer.request().isNavigationRequest()),
      page.getByRole('link', { name: link, exact: true }).click(),
    ]);
    return response.headers()['content-security-policy'];
  };
  const run = (page: Page) => page.getByRole('button', { name: /Execute query|Stop query/ }).click();
  const result = (page: Page) => page.locator('.result-window');

  it('opens GraphiQL on a document with a policy of its own, and leaves it for one without', async () => {
    const page = await host.visit('/classes');
    await page.getByRole('heading', { name: 'Classes' }).waitFor();
    expect(await policyAfter(page, 'API')).toContain("style-src 'self' 'unsafe-inline'");
    await page.locator(GRAPHIQL).waitFor();
    expect(await policyAfter(page, 'Classes')).toContain(STRICT);
    await page.getByText('5 classes').waitFor();
    await page.goBack();
    await page.locator(GRAPHIQL).waitFor();
  });

  it('runs examples on the public endpoint, and loads nothing from elsewhere', async () => {
    const page = await host.visit('/');
    const requests: string[] = [];
    page.on('request', (request) => requests.push(request.url()));
    await page.getByRole('link', { name: 'API', exact: true }).click();
    await page.getByRole('button', { name: 'Classes', exact: true }).click();
    await run(page);
    await result(page).getByText('"totalCount": 5').waitFor();
    await page.getByRole('button', { name: 'Add items', exact: true }).click();
    await run(page);
    await result(page).getByText('"created": 1').waitFor();
    expect((await app.items.byExternalId('example-1'))?.title).toBe('Example');
    // The tab of an example is opened again.
    await page.getByRole('button', { name: 'Classes', exact: true }).click();
    expect(await page.locator('.graphiql-tab').count()).toBe(3);
    expect(requests.filter((url) => !url.startsWith(`${host.address}/`))).toEqual([]);
    expect(requests.some((url) => url.includes('graphql.worker'))).toBe(true);
  });

  it('follows a subscription until it is stopped', async () => {
    const page = await host.visit('/graphiql');
    await page.getByRole('button', { name: 'Follow changes', exact: true }).click();
    await run(page);
    await result(page).getByText('"nodes": []').waitFor();
    await app.ingest.ingest([{ content: { text: 'something new' }, title: 'seen as it comes' }]);
    await result(page).getByText('"seen as it comes"').waitFor();
    await run(page);
    await page.getByRole('button', { name: /Execute query/ }).waitFor();
  });

  it.each(['light', 'dark'] as const)('breaks no rule of accessibility in %s', async (colorScheme) => {
    const page = await host.visit('/graphiql', { colorScheme });
    await page.locator('.graphiql-query-editor .monaco-editor').waitFor();
    await expectAccessible(page, GRAPHIQL);
  });

  it('says that the schema is hidden, and still runs operations', async () => {
    const hidden = await PageHost.open(app, { introspection: false });
    const page = await hidden.visit('/graphiql');
    await page.getByText('This server does not show its schema').waitFor();
    await page.getByRole('button', { name: 'Classes', exact: true }).click();
    await run(page);
    await result(page).getByText('"totalCount": 5').waitFor();
    await hidden.close();
    // The browser notes the refused request for the schema.
    expect(hidden.faults.every((fault) => fault.includes('400 (Bad Request)'))).toBe(true);
  });

  it('says that only known documents run', async () => {
    const trusted = await PageHost.open(app, { trustedDocuments: new Map() });
    const page = await trusted.visit('/graphiql');
    await page.getByText('This server runs known documents only').waitFor();
    expect(await page.locator(GRAPHIQL).count()).toBe(0);
    await trusted.close();
    expect(trusted.faults.every((fault) => fault.includes('403 (Forbidden)'))).toBe(true);
  });
});

describe.skipIf(!hasBrowser())('the part for keys', () => {
  let app: TestApp;
  let host: PageHost;
  beforeAll(async () => {
    app = await openTestApp('embedded');
    await app.keys.create('the boss', ['admin'], null);
    host = await PageHost.open(app);
  });
  afterAll(async () => {
    await host.close();
    await app.close();
    expect(app.unexpected).toEqual([]);
    // The browser notes refused requests.
    expect(host.faults.filter((fault) => !fault.includes('401 (Unauthorized)'))).toEqual([]);
  });

  const make = async (page: Page, name: string): Promise<string> => {
    await page.getByLabel('Name').fill(name);
    await page.getByRole('button', { name: 'Make the key' }).click();
    await page.getByRole('heading', { name: `The key “${name}”` }).waitFor();
    return await page.getByLabel('The new key').inputValue();
  };
  const logIn = async (secret: string, path = '/keys', colorScheme: 'light' | 'dark' = 'light') => {
    const page = await host.visit(path, { colorScheme });
    await page.getByLabel('API key').fill(secret);
    await page.getByRole('button', { name: 'Log in' }).click();
    return page;
  };
  const newAdmin = async (name: string) => (await app.keys.create(name, ['admin'], null)).secret;

  it('makes a key that is shown once, lets its user in, and is refused when it is revoked', async () => {
    const page = await logIn(await newAdmin('first admin'));
    await page.getByLabel(/^Train/).check();
    await page.getByLabel('Expires').selectOption({ label: 'After 30 days' });
    const secret = await make(page, 'the trainer');
    expect((await app.keys.callerOf(secret))?.scopes).toEqual(['read', 'train']);
    await page.getByRole('button', { name: 'Copy', exact: true }).click();
    await page.getByRole('button', { name: 'Copied', exact: true }).waitFor();
    await page.getByRole('button', { name: 'Done' }).click();
    expect(await page.content()).not.toContain(secret);

    const user = await logIn(secret, '/classes');
    await user.getByRole('heading', { name: 'Classes' }).waitFor();
    // Not for others than admins.
    expect(await user.getByRole('link', { name: 'Keys' }).count()).toBe(0);
    await user.goto('/keys');
    await user.getByText('Keys are for administrators').waitFor();

    await page.getByRole('button', { name: 'Revoke the trainer' }).click();
    await page.getByText('Programs that use it are refused').waitFor();
    await page.getByRole('button', { name: 'Revoke', exact: true }).click();
    await page.getByRole('button', { name: 'Revoke the trainer' }).waitFor({ state: 'detached' });
    await page.getByText('Revoked or expired').click();
    await page.locator('.key-line', { hasText: 'the trainer' }).waitFor();
    await user.goto('/classes');
    await user.getByRole('heading', { name: 'This server needs a key' }).waitFor();
    const refused = await logIn(secret);
    await refused.getByText('The server does not know this key').waitFor();
  });

  it('logs out who revokes the key in use', async () => {
    const page = await logIn(await newAdmin('second admin'));
    const own = page.locator('.key-line', { hasText: 'in use here' });
    await own.getByRole('button', { name: 'Revoke second admin' }).click();
    await own.getByText('you are logged out').waitFor();
    await own.getByRole('button', { name: 'Revoke', exact: true }).click();
    await page.getByRole('heading', { name: 'This server needs a key' }).waitFor();
  });

  it.each(['light', 'dark'] as const)('breaks no rule of accessibility in %s', async (colorScheme) => {
    const page = await logIn(await newAdmin('third admin'), '/keys', colorScheme);
    await make(page, colorScheme);
    await page.getByRole('button', { name: `Revoke ${colorScheme}` }).click();
    await expectAccessible(page);
  });

  it('begins with a key for everything, with which the page goes on', async () => {
    const empty = await openTestApp('embedded');
    const server = await PageHost.open(empty);
    const page = await server.visit('/keys');
    await page.getByText('This server has no keys').waitFor();
    await expectAccessible(page);
    const secret = await make(page, 'the boss');
    expect((await empty.keys.callerOf(secret))?.scopes).toEqual(['admin']);
    await page.getByText('1 key', { exact: true }).waitFor();
    await page.getByText('in use here').waitFor();
    const other = await server.visit('/');
    await other.getByRole('heading', { name: 'This server needs a key' }).waitFor();
    await server.close();
    await empty.close();
  });
});
