import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ingestShapes, openTestApp, QUICK, type TestApp } from '../support/app.js';
import { expectAccessible, hasBrowser, PageHost } from './page-host.js';

describe.skipIf(!hasBrowser())('the part of classes', () => {
  let app: TestApp;
  let host: PageHost;
  beforeAll(async () => {
    app = await openTestApp();
    await ingestShapes(app);
    const { encoder } = await app.training.train({
      ...QUICK,
      unseen: ['ring'],
      preset: 'paper',
      epochs: 1,
    });
    await app.evaluationJobs.start(encoder, false);
    await vi.waitFor(async () => expect((await app.evaluationJobs.latest(encoder))?.state).toBe('done'), {
      timeout: 120_000,
      interval: 500,
    });
    host = await PageHost.open(app);
  }, 240_000);
  afterAll(async () => {
    await host.close();
    await app.close();
    expect(host.faults).toEqual([]);
    expect(app.unexpected).toEqual([]);
  });

  const list = (page: Page) => page.getByRole('list', { name: 'Classes' });
  const entry = (page: Page, name: string) =>
    list(page)
      .getByRole('link')
      .filter({ has: page.getByText(name, { exact: true }) });
  const titles = (page: Page) => page.getByRole('heading', { level: 1 });
  const openClass = async (page: Page, name: string): Promise<string> => {
    await page.goto('/classes');
    await page.getByLabel('Find a class').fill(name);
    await entry(page, name).click();
    await titles(page).getByText(name, { exact: true }).waitFor();
    return page.url().split('/').at(-1) ?? '';
  };
  const section = (page: Page, name: string) => page.getByRole('region', { name });
  const links = (place: Locator) => place.getByRole('listitem').getByRole('link');

  it('lists classes, seen and unseen, and finds one by its name', async () => {
    const page = await host.visit('/classes');
    await page.getByText('5 classes', { exact: true }).waitFor();
    expect(await entry(page, 'ring').textContent()).toBe('ringunseen24');
    await page.getByText('unseen', { exact: true }).first().click();
    await page.getByText('1 class', { exact: true }).waitFor();
    expect(await links(list(page)).allTextContents()).toEqual(['ringunseen24']);
    await page.getByText('seen', { exact: true }).first().click();
    await page.getByText('4 classes', { exact: true }).waitFor();
    await page.getByText('All', { exact: true }).click();
    await page.getByLabel('Find a class').fill('ri');
    await page.getByText('2 classes', { exact: true }).waitFor();
    expect(await links(list(page)).allTextContents()).toEqual(['ringunseen24', 'triangleseen24']);
    await page.getByLabel('Find a class').fill('dodecahedron');
    await page.getByRole('status').getByText('No class has “dodecahedron” in its name').waitFor();
    expect(await list(page).count()).toBe(0);
  });

  it('shows the items, the closest classes and the measures of a class', async () => {
    const page = await host.visit('/classes');
    const id = await openClass(page, 'cross');
    await page.getByText('12 pictures · 12 texts').waitFor();
    const items = links(section(page, 'Items of this class'));
    await items.nth(23).waitFor();
    expect(await items.count()).toBe(24);
    const others = links(section(page, 'Closest classes'));
    await others.nth(3).waitFor();
    const names = await others.locator('.class-name').allTextContents();
    expect(names).not.toContain('cross');
    expect((await app.catalog.classes.byNames(names)).length).toBe(names.length);
    const measures = section(page, 'How well the encoder tells it');
    await measures.getByText(/^Average precision [01]\.\d\d from pictures to texts/).waitFor();
    await measures.getByText(/^Measured on \d+ held-out pictures and \d+ texts\./).waitFor();
    await measures.getByText(/^Most confused with (circle|square|triangle) \(\d+%\)/).waitFor();
    await section(page, 'Items of this class').getByRole('link', { name: 'Items of this class' }).click();
    await page.waitForURL(/class=cross/);
    await openClass(page, 'circle');
    await measures.getByText(/has no held-out pair of this class/).waitFor();
    await page.goto(`/classes/${id.slice(0, -12)}000000000000`);
    await page.getByRole('heading', { name: 'There is no such class' }).waitFor();
  });

  it('makes a class by its name, and shows what it finds at once', async () => {
    const page = await host.visit('/classes');
    await page.getByLabel('Name of the class').fill('a green triangle');
    await page.getByText('“a green triangle” finds:').waitFor();
    const preview = page.locator('form').getByRole('listitem');
    expect(await preview.count()).toBeGreaterThan(3);
    await page.getByLabel('What the name means').fill('a triangle that is green');
    await page.getByRole('button', { name: 'Create a class' }).click();
    await titles(page).getByText('a green triangle', { exact: true }).waitFor();
    await page.getByText('a triangle that is green').waitFor();
    await page.getByText('No item has this class.').waitFor();
    await links(section(page, 'Closest pictures without this class')).first().waitFor();
    expect(await app.catalog.classes.byNames(['a green triangle'])).toMatchObject([
      { description: 'a triangle that is green' },
    ]);
    await page.goto('/classes');
    await page.getByLabel('Name of the class').fill('circle');
    await page.getByRole('button', { name: 'Create a class' }).click();
    await page
      .getByRole('alert')
      .getByText(/circle/)
      .waitFor();
  });

  it('renames a class, merges it into another one, and deletes one', async () => {
    for (const name of ['oval', 'egg', 'blob']) await app.classes.create(name, null);
    await app.ingest.ingest([{ externalId: 'an-oval', content: { text: 'an oval' }, classes: ['oval'] }]);
    const page = await host.visit('/classes');
    await openClass(page, 'oval');
    await page.getByRole('button', { name: 'Rename' }).click();
    await page.getByLabel('Name of the class').fill('egg');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('alert').getByText(/egg/).waitFor();
    await page.getByLabel('Name of the class').fill('ellipse');
    await page.getByLabel('What the name means').fill('a long circle');
    await page.getByRole('button', { name: 'Save' }).click();
    await titles(page).getByText('ellipse', { exact: true }).waitFor();
    await page.getByText('a long circle').waitFor();
    await links(section(page, 'Items of this class')).getByText('an oval').waitFor();

    await page.getByRole('button', { name: 'Merge into another class' }).click();
    await page.getByLabel('Name of the other class').fill('no such class');
    await page.getByRole('button', { name: 'Merge', exact: true }).click();
    await page
      .getByRole('alert')
      .getByText(/no such class/)
      .waitFor();
    await page.getByLabel('Name of the other class').fill('egg');
    await page.getByRole('button', { name: 'Merge', exact: true }).click();
    await titles(page).getByText('egg', { exact: true }).waitFor();
    await links(section(page, 'Items of this class')).getByText('an oval').waitFor();
    expect(await app.catalog.classes.byNames(['ellipse'])).toEqual([]);

    await openClass(page, 'blob');
    await page.getByRole('button', { name: 'Delete the class' }).click();
    await page.getByText('Items keep everything but the class blob.').waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Delete the class' }).click();
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await page.waitForURL((url) => url.pathname === '/classes');
    await entry(page, 'egg').waitFor();
    expect(await entry(page, 'blob').count()).toBe(0);
    expect(await app.catalog.classes.byNames(['blob'])).toEqual([]);
  });

  it('shows more of a long list', async () => {
    for (let i = 0; i < 60; i++) await app.classes.create(`kind ${String(i).padStart(2, '0')}`, null);
    const page = await host.visit('/classes');
    await list(page).getByRole('listitem').nth(59).waitFor();
    expect(await list(page).getByRole('listitem').count()).toBe(60);
    await page.getByRole('button', { name: 'Show more' }).click();
    await list(page).getByRole('listitem').nth(64).waitFor();
    expect(await page.getByRole('button', { name: 'Show more' }).count()).toBe(0);
  });

  it.each(['light', 'dark'] as const)('breaks no rule of accessibility in %s', async (colorScheme) => {
    const page = await host.visit('/classes', { colorScheme, viewport: { width: 390, height: 800 } });
    await page.getByLabel('Name of the class').fill('a red ring');
    await page.getByText('“a red ring” finds:').waitFor();
    await list(page).waitFor();
    await expectAccessible(page);
    await openClass(page, 'ring');
    await page.getByText(/so its average precision says nothing/).waitFor();
    await section(page, 'Closest classes').waitFor();
    await page.getByRole('button', { name: 'Rename' }).click();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Delete the class' }).click();
    await expectAccessible(page);
  });
});
