import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Points, placeAt, readPoints } from '../../web/src/map/points.js';
import { fitted, toScreen } from '../../web/src/map/view.js';
import { ingestShapes, openTestApp, QUICK, type TestApp } from '../support/app.js';
import { expectAccessible, hasBrowser, PageHost } from './page-host.js';

describe.skipIf(!hasBrowser())('the map', () => {
  let app: TestApp;
  let host: PageHost;
  beforeAll(async () => {
    app = await openTestApp();
    await ingestShapes(app);
    await app.training.train(QUICK);
    const id = (await app.map.state(null))?.encoderId ?? '';
    app.jobRunner.start(1);
    await app.map.begin(id, { name: 'test', keyId: null });
    const drawn = async () => expect((await app.map.state(id))?.map?.layout).toBe('NEIGHBOURS');
    await vi.waitFor(drawn, { timeout: 60_000, interval: 200 });
    host = await PageHost.open(app);
  });
  afterAll(async () => {
    await host.close();
    await app.close();
    expect(host.faults).toEqual([]);
  });

  let open: Page;
  const visit = async (...args: Parameters<PageHost['visit']>) => {
    open = await host.visit(...args);
    return open;
  };
  afterEach(() => open.context().close());
  const ready = (page: Page) => page.getByText('120 items · neighbours together').waitFor();
  const details = (page: Page) => page.getByRole('complementary', { name: 'Details' });
  /** The middle and the size of the drawing. */
  const drawing = async (page: Page) => {
    const box = await page.getByTestId('map').boundingBox();
    if (box === null) throw new Error('the map is not shown');
    return box;
  };
  /** The points as the server sends them. */
  const pointsOf = async (page: Page): Promise<Points> => {
    const id = (await app.map.state(null))?.encoderId;
    const query = `{ mapPoints(encoderId: "${id}") { count ids positions modalities classes } }`;
    const answer = await page.request.post('/graphql', { data: { query } });
    return readPoints([(await answer.json()).data.mapPoints]);
  };
  /** Drags along places of the drawing, each a share of its width and height. */
  const drag = async (page: Page, places: readonly (readonly [number, number])[]) => {
    const { x, y, width, height } = await drawing(page);
    for (const [i, [dx, dy]] of places.entries()) {
      await page.mouse.move(x + dx * width, y + dy * height, { steps: 3 });
      if (i === 0) await page.mouse.down();
    }
    await page.mouse.up();
  };

  it('says what is missing, and is computed when that is asked for', async () => {
    await visit('/map?encoder=none').then((page) =>
      page.getByRole('heading', { name: 'There is no such encoder' }).waitFor(),
    );
    await open.context().close();
    await app.catalog.database.run('DELETE FROM vectors.projection');
    const page = await visit('/map');
    await page.getByRole('heading', { name: 'There is no map yet' }).waitFor();
    await page.getByRole('button', { name: 'Compute the map' }).click();
    await ready(page);
  });

  it('selects by an outline what is then listed and searched with', async () => {
    const page = await visit('/map');
    await ready(page);
    await page.getByText('Select', { exact: true }).click();
    await drag(page, [
      [0.01, 0.01],
      [0.5, 0.01],
      [0.5, 0.99],
      [0.01, 0.99],
    ]);
    const selected = details(page).getByRole('heading', { name: /^\d+ selected$/ });
    const number = async () => Number.parseInt((await selected.textContent()) ?? '', 10);
    await selected.waitFor();
    const left = await number();
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(120);
    const listed = details(page).getByRole('list', { name: 'Selection' }).getByRole('link');
    await expect.poll(() => listed.count(), { timeout: 30_000 }).toBe(Math.min(25, left));
    // The other half has the others.
    await drag(page, [
      [0.5, 0.01],
      [0.99, 0.01],
      [0.99, 0.99],
      [0.5, 0.99],
    ]);
    await expect.poll(number, { timeout: 30_000 }).toBe(120 - left);
    await page.getByRole('link', { name: /^Search with/ }).click();
    await page.waitForURL(/p=itemId/);
    await page.getByRole('list', { name: 'Parts of the search' }).waitFor();
  });

  it('selects and zooms by the keyboard', async () => {
    const page = await visit('/map');
    await ready(page);
    await page.getByRole('button', { name: 'Select what is visible' }).click();
    await details(page).getByRole('heading', { name: '120 selected' }).waitFor();
    await page.getByRole('application').focus();
    await page.keyboard.press('Escape');
    await details(page)
      .getByRole('heading', { name: /selected/ })
      .waitFor({ state: 'detached' });
    for (let i = 0; i < 2; i += 1) await page.keyboard.press('+');
    await page.getByRole('button', { name: 'Select what is visible' }).press('Enter');
    const heading = details(page).getByRole('heading', { name: /selected/ });
    await heading.waitFor();
    expect(Number.parseInt((await heading.textContent()) ?? '', 10)).toBeLessThan(120);
  });

  it('shows where a search falls with its nearest items, and the item at the pointer', async () => {
    const page = await visit('/map');
    await ready(page);
    await page.getByLabel('Show where a text falls').fill('a small red circle');
    await page.keyboard.press('Enter');
    await page.waitForURL(/q=a\+small\+red\+circle/);
    const nearest = details(page)
      .getByRole('list', { name: /^Nearest to/ })
      .getByRole('link');
    await expect.poll(() => nearest.count(), { timeout: 30_000 }).toBe(24);
    expect(await nearest.first().textContent()).toMatch(/circle/);
    const box = await drawing(page);
    const points = await pointsOf(page);
    const [left, top] = toScreen(fitted(points.positions, box), box, placeAt(points, 7));
    await page.mouse.move(box.x + left, box.y + top);
    await page.locator('.map-preview .map-words').waitFor();
    await nearest.first().click();
    await page.waitForURL(/\/items\//);
  });

  it('shows the space of another version', async () => {
    const { encoder } = await app.training.train({ ...QUICK, seed: 2, epochs: 1, activate: false });
    const active = (await app.map.state(null))?.encoderId ?? '';
    const page = await visit('/map');
    await ready(page);
    await page.getByLabel('Version').selectOption(encoder);
    await page.waitForURL(new RegExp(`encoder=${encoder}`));
    await page.getByRole('heading', { name: 'There is no map yet' }).waitFor();
    await page.getByRole('button', { name: 'Compute the map' }).click();
    await ready(page);
    expect(await page.getByLabel('Version').inputValue()).toBe(encoder);
    await expectAccessible(page);
    await page.getByLabel('Version').selectOption(active);
    await page.waitForURL((url) => url.search === '');
    await ready(page);
  });

  it.each(['light', 'dark'] as const)('breaks no rule of accessibility in %s', async (colorScheme) => {
    const page = await visit('/map?q=a+small+red+circle', { colorScheme });
    await ready(page);
    await page.getByRole('button', { name: 'Select what is visible' }).click();
    await details(page).getByRole('list', { name: 'Selection' }).getByRole('link').first().waitFor();
    await expectAccessible(page);
  });
});
