/**
 * What a person waits for on the page of a running server, in Chromium with a CPU slowed down four times: the script of the first load, the
 * first content, the latency of searches, shifts of the layout, and the reaction to clicks while thousands of results are scrolled.
 * Run it after `npm run build`, with a server of a trained catalogue (`npm run demo`).
 *
 *   npm run bench -- page [options]
 *
 *   --server URL    the server (default: http://127.0.0.1:4000)
 *   --list PATH     the list to scroll through (default: /?q=a+picture&all=1, every item by its relevance)
 *   --results N     results to scroll through, as far as the catalogue has them (default: 10000)
 *   --slower N      by how much the CPU is slowed down (default: 4)
 *   --json FILE     output file of the JSON (default: bench/results/page.json)
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { type Browser, chromium, type Page } from 'playwright-core';

const { values: options } = parseArgs({
  options: {
    server: { type: 'string', default: 'http://127.0.0.1:4000' },
    list: { type: 'string', default: '/?q=a+picture&all=1' },
    results: { type: 'string', default: '10000' },
    slower: { type: 'string', default: '4' },
    json: { type: 'string', default: 'bench/results/page.json' },
  },
});
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const RUNS = 5;
const QUERIES = ['a big cat with stripes', 'a red fruit', 'something to drink', 'a vehicle', 'a sad face'];
const WINDOW = { width: 1360, height: 900 };

interface Figures {
  /** kB of script and style as they are sent. */
  readonly script: number;
  readonly style: number;
  /** Milliseconds. */
  readonly firstContent: number;
  readonly firstResults: number;
  /** From the last key to the results in the document, of a search that the server has not answered before. */
  readonly search: number;
  readonly layoutShift: number;
  /** Results that were scrolled through, and Interaction to Next Paint meanwhile. */
  readonly scrolled: number;
  readonly interaction: number;
  readonly longestTask: number;
}

const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
});
try {
  const loads: Awaited<ReturnType<typeof load>>[] = [];
  for (let i = 0; i < RUNS; i += 1) loads.push(await load(browser));
  const median = (of: (one: (typeof loads)[number]) => number) => middle(loads.map(of));
  const figures: Figures = {
    script: median(({ script }) => script),
    style: median(({ style }) => style),
    firstContent: median(({ firstContent }) => firstContent),
    firstResults: median(({ firstResults }) => firstResults),
    search: await searches(browser),
    ...(await scroll(browser, Number(options.results))),
  };
  await mkdir(dirname(options.json), { recursive: true });
  const about = { cpu: cpus()[0]?.model ?? null, slower: Number(options.slower) };
  await writeFile(options.json, `${JSON.stringify({ ...about, ...figures }, null, 2)}\n`);
  print(figures);
} finally {
  await browser.close();
}

async function open(from: Browser): Promise<Page> {
  const context = await from.newContext({ viewport: WINDOW, baseURL: options.server, locale: 'en' });
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send('Emulation.setCPUThrottlingRate', { rate: Number(options.slower) });
  await page.addInitScript(observe);
  return page;
}

/** The first load by a browser that knows nothing of the page. */
async function load(from: Browser) {
  const page = await open(from);
  await page.goto('/');
  await page.locator('.tile-cell').first().waitFor();
  const measured = await page.evaluate(() => {
    const sent = (end: string) =>
      (performance.getEntriesByType('resource') as PerformanceResourceTiming[])
        .filter(({ name }) => name.endsWith(end))
        .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0) / 1000;
    const paint = performance.getEntriesByName('first-contentful-paint')[0];
    return {
      script: sent('.js'),
      style: sent('.css'),
      firstContent: paint?.startTime ?? Number.NaN,
      firstResults: performance.now(),
    };
  });
  await page.context().close();
  return measured;
}

/** The median from Enter to the results. */
async function searches(from: Browser): Promise<number> {
  const page = await open(from);
  await page.goto('/');
  await page.locator('.tile-cell').first().waitFor();
  const times: number[] = [];
  for (const query of QUERIES) {
    const answered = page.waitForResponse((response) =>
      (response.request().postData() ?? '').includes('query Search('),
    );
    await page.locator('.search-box input[type="text"]').fill(query);
    const started = performance.now();
    await page.keyboard.press('Enter');
    await answered;
    await page.locator('.results[aria-busy="false"] .tile-cell, .notice').first().waitFor();
    times.push(performance.now() - started);
  }
  await page.context().close();
  return middle(times);
}

/** Scrolls to the end of the results, or to a number of them, and selects one now and then. */
async function scroll(from: Browser, most: number) {
  const page = await open(from);
  await page.goto(options.list);
  await page.locator('.tile-cell').first().waitFor();
  // The tasks of the first load are over.
  await page.waitForTimeout(2_000);
  await page.evaluate(() => ((globalThis as unknown as { measured: Measured }).measured.task = 0));
  let scrolled = 0;
  let still = 0;
  for (let i = 0; scrolled < most && still < 40; i += 1) {
    await page.mouse.wheel(0, 3_000);
    if (i % 10 === 0) await selectOne(page);
    await page.waitForTimeout(60);
    const last = await page.evaluate(() =>
      Math.max(
        ...[...document.querySelectorAll('[data-index]')].map((cell) =>
          Number((cell as HTMLElement).dataset.index),
        ),
      ),
    );
    still = last + 1 > scrolled ? 0 : still + 1;
    scrolled = Math.max(scrolled, last + 1);
  }
  const measured = await page.evaluate(() => (globalThis as unknown as { measured: Measured }).measured);
  await page.context().close();
  return {
    scrolled,
    layoutShift: measured.shift,
    interaction: measured.interaction,
    longestTask: measured.task,
  };
}

/** Selects the tile in the middle of the window. */
async function selectOne(page: Page): Promise<void> {
  await page.keyboard.down('Control');
  await page.mouse.click(WINDOW.width / 2, WINDOW.height / 2);
  await page.keyboard.up('Control');
}

interface Measured {
  shift: number;
  interaction: number;
  task: number;
}

/** Runs in the page. */
function observe(): void {
  const measured: Measured = { shift: 0, interaction: 0, task: 0 };
  let [first, last, sum] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  Object.assign(globalThis, { measured });
  const on = (type: string, each: (entry: PerformanceEntry) => void, extra: object = {}) =>
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) each(entry);
    }).observe({ type, buffered: true, ...extra });
  on('layout-shift', (entry) => {
    const { hadRecentInput, value } = entry as PerformanceEntry & { hadRecentInput: boolean; value: number };
    if (hadRecentInput) return;
    // The largest sum of a window of at most 5 s without a gap of 1 s, as Cumulative Layout Shift is defined.
    const { startTime } = entry;
    if (startTime - last > 1_000 || startTime - first > 5_000) [first, sum] = [startTime, 0];
    last = startTime;
    sum += value;
    measured.shift = Math.max(measured.shift, sum);
  });
  const durations = new Map<number, number>();
  const note = (entry: PerformanceEntry) => {
    // Others, such as the pointer over a tile that was scrolled below it, are no interactions.
    const { interactionId, duration } = entry as PerformanceEntry & { interactionId: number };
    if (interactionId === 0) return;
    durations.set(interactionId, Math.max(duration, durations.get(interactionId) ?? 0));
    // The longest one but one in each 50, as Interaction to Next Paint is defined.
    const sorted = [...durations.values()].sort((a, b) => b - a);
    measured.interaction = sorted[Math.floor(durations.size / 50)] ?? 0;
  };
  on('event', note, { durationThreshold: 16 });
  on('longtask', (entry) => {
    measured.task = Math.max(measured.task, entry.duration);
  });
}

function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function print(figures: Figures): void {
  const table = new Table({ head: ['what', 'measured'] });
  table.push(
    ['script of the first load', `${figures.script.toFixed(0)} kB`],
    ['style of the first load', `${figures.style.toFixed(0)} kB`],
    ['first content', `${figures.firstContent.toFixed(0)} ms`],
    ['first results', `${figures.firstResults.toFixed(0)} ms`],
    ['a search, from the key to the results', `${figures.search.toFixed(0)} ms`],
    ['results scrolled through', figures.scrolled],
    ['interaction to next paint meanwhile', `${figures.interaction.toFixed(0)} ms`],
    ['longest task meanwhile', `${figures.longestTask.toFixed(0)} ms`],
    ['shift of the layout', figures.layoutShift.toFixed(3)],
  );
  console.log(table.toString());
}
