// Pictures of the page, in light and dark, of a desktop and a phone:
//
//   npm run screenshots -- [--server http://127.0.0.1:4000] [--key KEY] [--out docs/pictures/page] [--only search,item]
//
// The server has a trained catalogue, for example that of `npm run demo`.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import sharp from 'sharp';

const { values: options } = parseArgs({
  options: {
    server: { type: 'string', default: 'http://127.0.0.1:4000' },
    key: { type: 'string' },
    out: { type: 'string', default: 'docs/pictures/page' },
    only: { type: 'string' },
  },
});
const WINDOWS = {
  desktop: { viewport: { width: 1360, height: 860 } },
  phone: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 },
};
/** The pictures of the window are shown, and the filters with their counts. */
async function pictures(page) {
  await page.locator('.tile-cell img').first().waitFor();
  await page
    .getByText(/^[\d,]+ results?$|^[\d,]+ items?$/)
    .first()
    .waitFor();
  await page.waitForFunction(() =>
    [...document.querySelectorAll('.tile-cell img')]
      .filter((image) => image.getBoundingClientRect().top < window.innerHeight)
      .every((image) => image.complete && image.naturalWidth > 0),
  );
}
const SCHEMES = ['light', 'dark'];
/** Pages by name: where they begin, and what is done before the picture. */
const PAGES = {
  search: {
    path: '/?q=a+big+cat+with+stripes&all=1',
    ready: pictures,
  },
  browse: { path: '/', ready: pictures },
  item: {
    path: '/?q=a+big+cat+with+stripes&target=IMAGE&all=1',
    ready: async (page) => {
      await page.locator('.tile-link').first().click();
      await page.locator('.strip img').first().waitFor();
    },
  },
  classes: { path: '/classes', ready: (page) => page.locator('.class-list a').first().waitFor() },
  add: { path: '/add', ready: (page) => page.locator('h1').first().waitFor() },
  encoders: {
    path: '/encoders',
    ready: (page) => page.getByText('ACTIVE').or(page.locator('table, .encoder-list')).first().waitFor(),
  },
  encoder: {
    path: '/encoders',
    ready: async (page) => {
      await page.locator('main a[href^="/encoders/"]:not([href*="compare"])').first().click();
      await page.locator('h1').first().waitFor();
    },
  },
  map: { path: '/map', ready: (page) => page.locator('canvas').first().waitFor() },
  jobs: { path: '/jobs', ready: (page) => page.locator('h1').first().waitFor() },
  graphiql: {
    path: '/graphiql',
    ready: async (page) => {
      await page.locator('.graphiql-execute-button').click();
      await page.locator('.result-window').getByText('"edges"').waitFor();
    },
  },
  // Of a server without keys unless one is given.
  keys: { path: '/keys', ready: (page) => page.locator('.key-form').waitFor() },
  class: {
    path: '/classes',
    ready: async (page) => {
      await page.locator('.class-list a').nth(3).click();
      await page.locator('.strip img').first().waitFor();
    },
  },
};
const QUALITY = 82;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  // WebGL without a graphics card.
  args: [
    '--headless',
    '--no-sandbox',
    '--use-gl=angle',
    '--use-angle=swiftshader',
    '--enable-unsafe-swiftshader',
    '--disable-quic',
    '--no-first-run',
  ],
});
await mkdir(options.out, { recursive: true });
const names = options.only?.split(',') ?? Object.keys(PAGES);
for (const name of names) {
  for (const [kind, window] of Object.entries(WINDOWS)) {
    for (const colorScheme of SCHEMES) {
      const context = await browser.newContext({
        ...window,
        colorScheme,
        baseURL: options.server,
        locale: 'en',
      });
      const page = await context.newPage();
      if (options.key)
        await page.request.post('/session', { headers: { authorization: `Bearer ${options.key}` } });
      const { path, ready } = PAGES[name];
      await page.goto(path);
      await ready(page);
      // Pictures are decoded.
      await page.waitForTimeout(1_000);
      const file = join(options.out, `${name}-${kind}-${colorScheme}.webp`);
      await sharp(await page.screenshot())
        .webp({ quality: QUALITY })
        .toFile(file);
      console.log(file);
      await context.close();
    }
  }
}
await browser.close();
