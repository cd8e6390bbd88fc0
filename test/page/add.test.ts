import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawShape } from '../factories/shapes.js';
import { openTestApp, type TestApp } from '../support/app.js';
import { expectAccessible, hasBrowser, PageHost } from './page-host.js';

describe.skipIf(!hasBrowser())('the part that adds items', () => {
  let app: TestApp;
  let host: PageHost;
  let root: string;
  let elsewhere: Server;
  let isThere = false;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'page-add-'));
    app = await openTestApp('embedded', { fetchAllow: ['127.0.0.0/8'] });
    app.jobRunner.start(1);
    host = await PageHost.open(app);
    const png = await drawShape('ring', 'red');
    elsewhere = createServer((request, response) => {
      if (request.url === '/rows.csv') response.end('text,kind\nfrom an address,far\nand another,far\n');
      else if (isThere) response.end(png);
      else response.writeHead(404).end();
    }).listen(0, '127.0.0.1');
  });
  afterAll(async () => {
    await host.close();
    elsewhere.close();
    await app.close();
    await rm(root, { recursive: true });
    expect(host.faults).toEqual([]);
    expect(app.unexpected).toEqual([]);
  });

  /** Files below a new folder, by path. */
  async function folder(name: string, files: Readonly<Record<string, Buffer | string>>): Promise<string> {
    for (const [path, content] of Object.entries(files)) {
      const at = join(root, name, path);
      await mkdir(join(at, '..'), { recursive: true });
      await writeFile(at, content);
    }
    return join(root, name);
  }
  const choose = async (page: Page, path: string) => {
    const input = page.locator('input[type="file"]:not([multiple])');
    await input.setInputFiles(path);
    await page.getByRole('heading', { name: 'What will happen' }).waitFor();
  };
  const count = async (page: Page, name: string) =>
    await page.locator('.job-view .figures div', { hasText: name }).locator('dd').textContent();
  const idsOf = async () =>
    (
      await app.catalog.database.run<{ external_id: string }>(
        "SELECT external_id FROM item WHERE external_id LIKE 'shapes/%' ORDER BY 1",
      )
    ).map((row) => row.external_id);

  it('shows what becomes of a folder with metadata, then stores it, and tells what failed', async () => {
    const path = await folder('shapes', {
      'metadata.csv':
        'file_name,text,label,size\nred/a.b.png,a red ring,ring,big\ngone.png,nothing,ring,\n名 前.png,a blue star,star,small\n',
      'red/a.b.png': await drawShape('ring', 'red'),
      '名 前.png': await drawShape('circle', 'blue'),
      'notes.doc': 'x',
      '.hidden': 'x',
    });
    const page = await host.visit('/add');
    await choose(page, path);
    await page.getByText('3 rows · 2 pictures · 2 texts').waitFor();
    await page.getByText('1 row will fail').waitFor();
    await page.getByText('1 file is left out').click();
    await page.getByText('notes.doc').waitFor();
    const rows = page.getByRole('row');
    expect(await rows.nth(1).textContent()).toContain('a red ring');
    expect(
      await rows
        .nth(1)
        .locator('img')
        .evaluate((img: HTMLImageElement) => img.naturalWidth),
    ).toBe(64);
    expect(await rows.nth(2).textContent()).toContain('gone.png is not in the archive');
    expect(await idsOf()).toEqual([]);
    await page.getByRole('button', { name: 'Add 3 rows' }).click();
    await page.getByText('Complete, with failures').waitFor();
    expect([await count(page, 'Done'), await count(page, 'Failed'), await count(page, 'All')]).toEqual([
      '2',
      '1',
      '3',
    ]);
    await rows.nth(3).getByText('stored').waitFor();
    await page.getByText('Adding items has ended: 2 done, 1 failed.').waitFor();
    expect(await idsOf()).toEqual([
      'shapes/red/a.b.png',
      'shapes/red/a.b.png#text',
      'shapes/名 前.png',
      'shapes/名 前.png#text',
    ]);
    await expectAccessible(page);
  });

  it('retries the rows of a CSV that failed, and the totals add up', async () => {
    const { port } = elsewhere.address() as AddressInfo;
    const csv = join(root, 'rows.csv');
    await writeFile(csv, `text,image_url\none,\nplain,http://127.0.0.1:${port}/a.png\nthree,,x\n`);
    const page = await host.visit('/add');
    await page.locator('input[multiple]').setInputFiles(csv);
    await page.getByText('3 rows · 1 picture · 2 texts').waitFor();
    await page.getByText('fetched from its address').waitFor();
    await page.getByRole('button', { name: 'Add 3 rows' }).click();
    await page.getByText('Complete, with failures').waitFor();
    expect([await count(page, 'Done'), await count(page, 'Failed')]).toEqual(['1', '2']);
    isThere = true;
    await page.getByRole('button', { name: 'Try the failed ones again' }).click();
    await expect.poll(async () => await count(page, 'Failed'), { timeout: 30_000 }).toBe('1');
    expect([await count(page, 'Done'), await count(page, 'All')]).toEqual(['1', '2']);
    await page.getByText('The row has 3 fields, and the header 2.').first().waitFor();
  });

  it('adds the rows of a file at an address', async () => {
    const { port } = elsewhere.address() as AddressInfo;
    const page = await host.visit('/add');
    await page.getByText('A file at an address', { exact: true }).click();
    const address = page.getByLabel('Address of the file');
    await address.fill('http://192.0.2.1/rows.csv');
    await page.getByRole('button', { name: 'Add all rows' }).click();
    await page.getByRole('alert').or(page.getByText('Failed').first()).first().waitFor();
    await page.goto('/add');
    await page.getByText('A file at an address', { exact: true }).click();
    await address.fill(`http://127.0.0.1:${port}/rows.csv`);
    await page.getByText('Options', { exact: true }).click();
    await page.getByLabel('Column with the classes').fill('kind');
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Add all rows' }).click();
    await page.getByText('Complete', { exact: true }).waitFor();
    expect([await count(page, 'Done'), await count(page, 'All')]).toEqual(['2', '2']);
    const far = await app.catalog.classes.byNames(['far']);
    expect(far).toHaveLength(1);
    await page.getByRole('button', { name: 'Add something else' }).click();
    await address.waitFor();
  });

  it('shows up to 50 rows of a source', async () => {
    const file = join(root, 'many.csv');
    await writeFile(file, `text\n${Array.from({ length: 60 }, (_, i) => `row ${i}`).join('\n')}\n`);
    const page = await host.visit('/add');
    await page.locator('input[multiple]').setInputFiles(file);
    const cells = page.getByRole('cell', { name: /^row \d+$/ });
    await cells.nth(19).waitFor();
    expect(await cells.count()).toBe(20);
    await page.getByRole('button', { name: 'Show more' }).click();
    await page.getByText('The first 50 rows are shown.').waitFor();
    expect(await cells.count()).toBe(50);
  });

  it('takes pictures that are dropped, with their folders as classes and the texts beside them', async () => {
    const page = await host.visit('/add');
    const png = (await drawShape('cross', 'green')).toString('base64');
    await page.locator('input[multiple]').waitFor({ state: 'attached' });
    await page.evaluate((text) => {
      const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
      const data = new DataTransfer();
      data.items.add(new File([bytes], 'cross.png', { type: 'image/png' }));
      data.items.add(new File(['a green cross'], 'cross.txt'));
      document.body.dispatchEvent(
        new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }),
      );
    }, png);
    await page.getByText('1 row · 1 picture · 1 text').waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    const path = await folder('sorted', {
      'cross/1.png': await drawShape('cross', 'green'),
      'cross/1.txt': 'a green cross',
      'ring/deep/1.png': await drawShape('ring', 'green'),
      'ring/broken.png': 'no picture',
    });
    await choose(page, path);
    await page.getByText('1 row will fail').waitFor();
    await page.getByRole('button', { name: 'Add 3 rows' }).click();
    await page.getByText('Complete, with failures').waitFor();
    await page.locator('.failures').getByText('ring/broken.png', { exact: true }).waitFor();
    const { rows } = {
      rows: await app.catalog.database.run(`SELECT i.external_id AS id, c.name FROM item i
      JOIN item_class ic ON ic.item_id = i.id JOIN class c ON c.id = ic.class_id WHERE i.external_id LIKE 'sorted/%' ORDER BY 1`),
    };
    expect(rows).toEqual([
      { id: 'sorted/cross/1.png', name: 'cross' },
      { id: 'sorted/cross/1.png#text', name: 'cross' },
      { id: 'sorted/ring/deep/1.png', name: 'ring' },
    ]);
  });

  it('refuses what the server does not take, before it is sent', async () => {
    const path = await folder('large', { 'a.png': Buffer.alloc(2 ** 20) });
    const page = await host.visit('/add');
    await page.getByText('One upload has at most 1 MB').waitFor();
    await page.locator('input[type="file"]:not([multiple])').setInputFiles(path);
    await page.getByText('the server takes at most 1 MB at once').waitFor();
  });

  it('stores one picture with a caption by a form', async () => {
    const page = await host.visit('/add', { colorScheme: 'dark' });
    await page.getByText('One item', { exact: true }).click();
    await page
      .getByLabel('Picture', { exact: true })
      .last()
      .setInputFiles({
        name: 'star.png',
        mimeType: 'image/png',
        buffer: await drawShape('circle', 'yellow'),
      });
    await page.getByLabel('Caption (optional)').fill('a yellow star');
    await page.getByLabel('Title (optional)').fill('Star of the form');
    await page.getByLabel(/^Classes/).fill('star, warm');
    await page.getByRole('button', { name: 'Add the item' }).click();
    await page.getByRole('link', { name: 'Open it' }).click();
    await page.locator('.item-title').getByText('Star of the form').waitFor();
    await page.getByText('a yellow star').first().waitFor();
    await page.getByRole('link', { name: 'warm' }).first().waitFor();
  });

  it.each(['light', 'dark'] as const)('breaks no rule of accessibility in %s', async (colorScheme) => {
    const page = await host.visit('/add', { colorScheme, viewport: { width: 390, height: 800 } });
    await page.getByText('One upload has at most').waitFor();
    await expectAccessible(page);
    await page.getByText('One item', { exact: true }).click();
    await expectAccessible(page);
  });
});
