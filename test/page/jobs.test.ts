import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LOCAL } from '../../src/domain/access.js';
import { ingestShapes, openTestApp, type TestApp } from '../support/app.js';
import { expectAccessible, hasBrowser, PageHost } from './page-host.js';

describe.skipIf(!hasBrowser())('the part of jobs', () => {
  let app: TestApp;
  let host: PageHost;
  /** Takes requests and never answers. */
  let silent: Server;
  beforeAll(async () => {
    app = await openTestApp('embedded', { fetchAllow: ['127.0.0.0/8'] });
    app.jobRunner.start(1);
    silent = createServer(() => {}).listen(0, '127.0.0.1');
    await ingestShapes(app);
    host = await PageHost.open(app);
  });
  afterAll(async () => {
    await host.close();
    silent.closeAllConnections();
    silent.close();
    await app.close();
    expect(host.faults).toEqual([]);
    expect(app.unexpected).toEqual([]);
  });

  const beginIngest = async (text: string) => {
    const { id } = await app.bulkFiles.receive(
      (async function* () {
        yield Buffer.from(text);
      })(),
    );
    return await app.bulkJobs.begin({ uploadId: id, prefix: 'rows' }, [], LOCAL);
  };

  it('has figures of the server, and says that a list is empty', async () => {
    const page = await host.visit('/jobs');
    await page.getByText('Under way', { exact: true }).click();
    await page.getByText('There is no such job').waitFor();
    const figures = page.getByRole('region', { name: 'Server' });
    await figures.getByText('The server and its database answer.').waitFor();
    const { IMAGE, TEXT } = await app.items.countByModality();
    for (const [name, value] of [
      ['Pictures', String(IMAGE)],
      ['Texts', String(TEXT)],
      ['Classes', '5'],
      ['Encoder made', 'None'],
      ['Database', 'Embedded'],
    ] as const) {
      // Counts of the server can be a minute old.
      const figure = figures.locator('div', { hasText: name }).getByText(value, { exact: true });
      await figure.waitFor({ timeout: 100_000 });
    }
  });

  it('shows what runs, and cancels it', async () => {
    const page = await host.visit('/jobs');
    const { port } = silent.address() as AddressInfo;
    const job = await app.bulkJobs.begin({ url: `http://127.0.0.1:${port}/rows.csv` }, [], LOCAL);
    await page.getByRole('link', { name: /Adding items Running/ }).click();
    await page.waitForURL(`**/jobs/${job.id}`);
    await page.getByTitle('1 job is under way').waitFor();
    await page.getByRole('button', { name: 'Cancel the job' }).click();
    await page.locator('.job-head').getByText('Cancelled').waitFor();
    await page.getByTitle('1 job is under way').waitFor({ state: 'detached' });
  });

  it('tells of a job that failed wherever one is, says why, and repeats it', async () => {
    const page = await host.visit('/classes');
    await page.getByText('5 classes').waitFor();
    const rows = Array.from({ length: 60 }, (_, i) => (i < 55 ? { nothing: i } : { text: `text ${i}` }));
    const job = await beginIngest(rows.map((row) => JSON.stringify(row)).join('\n'));
    await page.getByText('Adding items has ended: 5 done, 55 failed.').waitFor();
    await page.getByRole('button', { name: 'Show', exact: true }).click();
    await page.waitForURL(`**/jobs/${job.id}`);
    const failures = page.locator('.failures li');
    await failures.first().getByText('The row has neither a picture nor a text.').waitFor();
    expect(await failures.count()).toBe(50);
    await page.getByRole('button', { name: 'Show more' }).click();
    await expect.poll(() => failures.count()).toBe(55);
    await page.getByRole('button', { name: 'Try the failed ones again' }).click();
    await page.waitForURL((url) => !url.pathname.endsWith(job.id));
    await page.locator('.job-head').getByText('Complete, with failures').waitFor();
    const all = await page.locator('.figures div', { hasText: 'All' }).locator('dd').textContent();
    expect(all).toBe('55');
  });

  it('lists the jobs that failed with their message', async () => {
    await beginIngest('a,a\n1,2\n');
    const page = await host.visit('/jobs');
    await page.getByText('Failed', { exact: true }).first().click();
    const line = page.getByRole('link', { name: /Adding items Failed/ });
    await line.getByText('The header of the CSV file names the column a twice.').waitFor();
    await line.click();
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.locator('.job-head').getByText('Failed', { exact: true }).waitFor();
  });

  it.each(['light', 'dark'] as const)('breaks no rule of accessibility in %s', async (colorScheme) => {
    const { id } = await beginIngest(`{"text":"${colorScheme}"}\n{}`);
    await expect.poll(async () => (await app.jobs.require(id)).state, { timeout: 30_000 }).toBe('succeeded');
    const page = await host.visit('/jobs', { colorScheme });
    await page
      .getByRole('link', { name: /Adding items/ })
      .first()
      .waitFor();
    await expectAccessible(page);
    await page
      .getByRole('link', { name: /Complete, with failures/ })
      .first()
      .click();
    await page.locator('.failures li').first().waitFor();
    await expectAccessible(page);
  });
});
