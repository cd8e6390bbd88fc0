import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawShape } from '../factories/shapes.js';
import { ingestShapes, openTestApp, QUICK, type TestApp } from '../support/app.js';
import { expectAccessible, hasBrowser, PageHost } from './page-host.js';

const BOX = 'Search for pictures and texts';

describe.skipIf(!hasBrowser())('the page', () => {
  let app: TestApp;
  let host: PageHost;
  beforeAll(async () => {
    app = await openTestApp();
    await ingestShapes(app);
    await app.training.train(QUICK);
    host = await PageHost.open(app);
  });
  afterAll(async () => {
    await host.close();
    await app.close();
    expect(host.faults).toEqual([]);
  });

  const tiles = (page: Page) => page.getByRole('gridcell');
  const firstTile = async (page: Page) => (await tiles(page).first().getByRole('link').textContent()) ?? '';
  const settled = (page: Page) => page.locator('.results[aria-busy="false"]').waitFor();

  it('lists the catalogue, and finds what is typed', async () => {
    const page = await host.visit('/');
    await page.getByText('120 items in the catalogue').waitFor();
    await expect.poll(() => tiles(page).count()).toBeGreaterThan(8);
    await page.keyboard.press('/');
    await page.keyboard.type('a small red circle');
    await page.waitForURL(/q=a\+small\+red\+circle/);
    await page.getByText('Texts', { exact: true }).click();
    await page.waitForURL(/target=TEXT/);
    await settled(page);
    expect(await firstTile(page)).toMatch(/small red circle/);
    await page.goBack();
    await page.goBack();
    await page.getByText('120 items in the catalogue').waitFor();
    expect(await page.getByLabel(BOX).inputValue()).toBe('');
    await page.goForward();
    await page.waitForURL(/q=a\+small\+red\+circle/);
    await expect.poll(() => page.getByLabel(BOX).inputValue()).toBe('a small red circle');
  });

  it('searches with a picture that is dropped or pasted, and combines it with a minus', async () => {
    const page = await host.visit('/?target=IMAGE');
    await settled(page);
    const png = (await drawShape('triangle', 'blue')).toString('base64');
    await give(page, 'drop', png);
    await page.waitForURL(/p=mediaId/);
    await settled(page);
    await page.getByLabel(BOX).fill('-green square');
    await page.keyboard.press('Enter');
    await page.waitForURL(/p=text/);
    await page.getByText('not green square').waitFor();
    await settled(page);
    expect(await page.getByRole('list', { name: 'Parts of the search' }).getByRole('listitem').count()).toBe(
      2,
    );
    expect(await tiles(page).count()).toBeGreaterThan(0);
    await page.getByRole('button', { name: 'Clear the search' }).click();
    await page.waitForURL((url) => url.search === '');
    await give(page, 'paste', png);
    await page.waitForURL(/p=mediaId/);
  });

  it('filters by class, and says what to do where nothing is left', async () => {
    const page = await host.visit('/?q=circle');
    await settled(page);
    await page
      .getByRole('complementary')
      .getByLabel(/circle/)
      .check();
    await page.waitForURL(/class=circle/);
    await page.getByRole('button', { name: 'Remove circle' }).waitFor();
    await page.goto('/?q=circle&class=circle&before=2001-01-01');
    await page.getByRole('heading', { name: 'Nothing fits this search' }).waitFor();
    await page.getByRole('status').getByRole('button', { name: /Until/ }).click();
    await settled(page);
    expect(await tiles(page).count()).toBeGreaterThan(0);
  });

  it('says where the cut-off ends the list, and offers the rest', async () => {
    const page = await host.visit('/?q=a+small+red+circle&target=IMAGE');
    await settled(page);
    const before = await page.locator('.total').textContent();
    await page.getByRole('button', { name: 'Show them all the same' }).click();
    await page.waitForURL(/all=1/);
    await settled(page);
    expect(await page.locator('.total').textContent()).not.toBe(before);
  });

  it('is used by the keyboard: arrows, selection of a range, Enter and Escape', async () => {
    const page = await host.visit('/');
    await settled(page);
    await tiles(page).first().getByRole('link').focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Space');
    await page.keyboard.press('Shift+ArrowRight');
    await page.keyboard.press('Shift+ArrowRight');
    await page.getByText('3 selected').waitFor();
    await page.keyboard.press('Escape');
    await page.getByText('3 selected').waitFor({ state: 'detached' });
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/items\//);
    await page.getByRole('heading', { name: 'Closest pictures' }).waitFor();
    await page.keyboard.press('Escape');
    await page.waitForURL((url) => url.pathname === '/');
  });

  it('has the stop of the Tab key at a tile of the window', async () => {
    const page = await host.visit('/');
    await settled(page);
    await page.mouse.move(700, 500);
    await page.mouse.wheel(0, 2_000);
    const stop = page.locator('.tile-link[tabindex="0"]');
    const top = () => stop.evaluate((link) => link.getBoundingClientRect().top);
    await expect.poll(() => page.evaluate(() => window.scrollY)).toBeGreaterThan(1_000);
    await expect.poll(top).toBeGreaterThan(-250);
    expect(await stop.count()).toBe(1);
    await stop.focus();
    await page.keyboard.press('Home');
    await expect.poll(() => page.evaluate(() => window.scrollY)).toBeLessThan(500);
  });

  it('deletes what is selected, and undoes it', async () => {
    const page = await host.visit('/?q=a+big+black+ring&target=TEXT');
    await settled(page);
    const name = await firstTile(page);
    await tiles(page).first().hover();
    await tiles(page)
      .first()
      .getByRole('button', { name: /^Select/ })
      .click();
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByText('1 item deleted').waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText('1 item deleted').waitFor({ state: 'detached' });
    expect(await firstTile(page)).toBe(name);
    expect(await app.items.count(null)).toBe(120);
  });

  it('edits an item, and tells why the search found it', async () => {
    const page = await host.visit('/?q=a+big+yellow+cross&target=IMAGE&all=1');
    await settled(page);
    await tiles(page).first().getByRole('link').click();
    await page.getByRole('heading', { name: 'Why the search found it' }).waitFor();
    await page.getByRole('button', { name: 'Edit' }).click();
    await page.getByLabel('Title').fill('A yellow cross');
    await page.getByLabel('Classes').fill('warm');
    await page.getByLabel(/^Metadata/).fill('{"place": "shelf"}');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.locator('.item-title').getByText('A yellow cross').waitFor();
    await page.getByRole('link', { name: 'shelf' }).click();
    await page.waitForURL(/meta=place/);
    await settled(page);
    expect(await tiles(page).count()).toBe(1);
  });

  it('shows copies of a picture beside its neighbours', async () => {
    const png = await drawShape('cross', 'purple');
    const give = (externalId: string) => ({ externalId, title: externalId, content: { bytes: png } });
    const [one, other] = await app.ingest.ingest([give('original'), give('copy')]);
    if (one?.status !== 'CREATED' || other?.status !== 'CREATED') throw new Error('not stored');
    try {
      const page = await host.visit(`/items/${one.item.id}`);
      const copies = page.getByRole('region', { name: 'Nearly the same picture' });
      await copies.getByRole('link', { name: 'copy' }).waitFor();
      await page.getByRole('region', { name: 'Closest pictures' }).waitFor();
      expect(await page.locator(`a[href="/items/${other.item.id}"]`).count()).toBe(1);
      await copies.getByRole('link', { name: 'copy' }).click();
      await copies.getByRole('link', { name: 'original' }).waitFor();
    } finally {
      await app.items.delete([one.item.id, other.item.id]);
    }
  });

  it.each(['light', 'dark'] as const)('breaks no rule of accessibility in %s', async (colorScheme) => {
    const page = await host.visit('/?q=a+small+red+circle', { colorScheme });
    await settled(page);
    await expectAccessible(page);
    await tiles(page).first().getByRole('link').click();
    await page.getByRole('heading', { name: 'Closest pictures' }).waitFor();
    await expectAccessible(page);
  });

  it('speaks Chinese to a browser that does', async () => {
    const page = await host.visit('/', { locale: 'zh-CN' });
    await page.getByText('目录中共 120 个条目').waitFor();
    await page.getByLabel('语言').selectOption('en');
    await page.getByText('120 items in the catalogue').waitFor();
  });

  it('says that the server is gone, and goes on when it is back', async () => {
    const other = await PageHost.open(app);
    try {
      const page = await other.visit('/');
      await settled(page);
      await other.stop();
      await page.getByText('Texts', { exact: true }).click();
      await page.getByLabel(BOX).fill('a big green ring');
      await page.getByText('The server does not answer.').waitFor();
      await other.start();
      await page.getByText('The server does not answer.').waitFor({ state: 'detached' });
      await settled(page);
      expect(await firstTile(page)).toMatch(/green ring/);
    } finally {
      await other.close();
    }
  });

  it('works on a server that runs known documents only', async () => {
    const strict = await PageHost.open(app, { trustedDocuments: new Map() });
    try {
      const page = await strict.visit('/?q=a+big+blue+square&target=IMAGE&all=1');
      await settled(page);
      await tiles(page).first().getByRole('link').click();
      await page.getByRole('heading', { name: 'Why the search found it' }).waitFor();
      // An operation of the client that the page is made with.
      await page.getByRole('button', { name: 'Edit' }).click();
      await page.getByLabel('Title').fill('A blue square');
      await page.getByRole('button', { name: 'Save' }).click();
      await page.locator('.item-title').getByText('A blue square').waitFor();
      expect(strict.faults).toEqual([]);
    } finally {
      await strict.close();
    }
  });

  it('asks for a key where the server wants one, and loads pictures with the session', async () => {
    const guarded = await PageHost.open(app, { apiKeys: ['a-key-of-enough-length'] });
    try {
      const page = await guarded.visit('/?q=a+red+circle&target=IMAGE&all=1');
      await page.getByLabel('API key').fill('not-the-key-at-all');
      await page.getByRole('button', { name: 'Log in' }).click();
      await page.getByText('The server does not know this key').waitFor();
      await page.getByLabel('API key').fill('a-key-of-enough-length');
      await page.getByRole('button', { name: 'Log in' }).click();
      await settled(page);
      const picture = tiles(page).first().locator('img');
      await expect
        .poll(() => picture.evaluate((img: HTMLImageElement) => img.naturalWidth))
        .toBeGreaterThan(0);
      await page.getByRole('button', { name: 'Log out' }).click();
      await page.getByLabel('API key').fill('a-key-of-enough-length');
      await page.getByRole('button', { name: 'Log in' }).click();
      await settled(page);
      // The session ends while the page is open.
      await page.context().clearCookies();
      await page.getByLabel(BOX).fill('a green ring');
      await page.getByLabel('API key').waitFor();
    } finally {
      await guarded.close();
    }
  });
});

/** Drops or pastes a picture on the page, as a browser does. */
async function give(page: Page, how: 'drop' | 'paste', base64: string): Promise<void> {
  await page.evaluate(
    ({ how: type, base64: text }) => {
      const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
      const data = new DataTransfer();
      data.items.add(new File([bytes], 'shape.png', { type: 'image/png' }));
      const event =
        type === 'drop'
          ? new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true })
          : new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true });
      document.body.dispatchEvent(event);
    },
    { how, base64 },
  );
}
