// Search latency while the same process trains an encoder, compared with the latency at rest. Run it after `npm run build` and
// `npm run demo -- --exit`:
//
//   node bench/search-during-training.mjs [DATA] [QUERIES_AT_REST] [EPOCHS] [IMAGE_EXTRACTOR]
//
// It uses a copy of the data folder. One client in its own thread sends different queries over HTTP, one after another. The
// training is complete: principal components, CCA, two networks, evaluation, embeddings, activation. With an image extractor
// whose features the catalogue does not have, such as hsv-hog, it extracts them first.
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { pino } from 'pino';
import { openApp } from '../dist/compose.js';
import { readConfig } from '../dist/config.js';
import { emojiCatalogue } from '../dist/demo/emoji-catalogue.js';
import { createApp, listen } from '../dist/http/app.js';

/** The target of the ratio below. */
const LIMIT = 3;

if (isMainThread) await main();
else await sendQueries();

async function main() {
  const [data = './data', count = '300', epochs, imageExtractor] = process.argv.slice(2);
  const copy = await mkdtemp(join(tmpdir(), 'commonspace-bench-'));
  await cp(data, copy, { recursive: true, filter: (path) => !path.endsWith('/run') });
  const services = await openApp(readConfig({ dataDir: copy }), console.error);
  const http = await createApp({ services, logger: pino({ level: 'silent' }), apiKeys: [], loopback: true });
  const address = await listen(http, '127.0.0.1', 0);
  await services.warmUp();

  let stage = 'warm-up';
  const times = {};
  const client = new Worker(new URL(import.meta.url), { workerData: { address } });
  client.on('message', (milliseconds) => {
    times[stage] ??= [];
    times[stage].push(milliseconds);
  });
  client.on('error', (error) => {
    throw error;
  });
  const answered = async (wanted) => {
    while ((times[stage]?.length ?? 0) < wanted) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  await answered(50);
  stage = 'at rest';
  await answered(Number(count));
  stage = 'features';
  const started = performance.now();
  await services.training.train(
    {
      preset: 'default',
      seed: 0,
      unseen: [],
      holdout: 0.1,
      epochs: epochs === undefined ? null : Number(epochs),
      learnFrom: null,
      ...(imageExtractor !== undefined && { imageExtractor, force: true }),
    },
    {
      onProgress: (progress) =>
        (stage =
          progress.stage === 'train' && progress.progress.kind === 'prepare' ? 'prepare' : progress.stage),
    },
  );
  const seconds = (performance.now() - started) / 1000;
  stage = 'at rest again';
  await answered(Number(count));
  await client.terminate();
  await http.close();
  await services.close();
  await rm(copy, { recursive: true, force: true });
  await report(times, seconds);
}

async function report(times, seconds) {
  const rest = [...times['at rest'], ...times['at rest again']];
  const { 'warm-up': _, 'at rest': before, 'at rest again': after, ...during } = times;
  const rows = { 'at rest, before': before, 'at rest, after': after, training: Object.values(during).flat() };
  for (const [stage, values] of Object.entries(during)) rows[`  ${stage}`] = values;
  const summary = Object.fromEntries(
    Object.entries(rows).map(([name, values]) => [
      name.trim(),
      {
        searches: values.length,
        p50: quantile(values, 0.5),
        p95: quantile(values, 0.95),
        p99: quantile(values, 0.99),
        max: Math.max(...values),
      },
    ]),
  );
  const ratio = summary.training.p95 / quantile(rest, 0.95);
  console.log(`training ${seconds.toFixed(0)} s; latency of searches over HTTP, one after another, ms`);
  console.log('                 searches      p50      p95      p99      max');
  for (const name of Object.keys(rows)) {
    const { searches, ...figures } = summary[name.trim()];
    const cells = Object.values(figures).map((x) => x.toFixed(1).padStart(9));
    console.log(`${name.padEnd(16)} ${String(searches).padStart(8)}${cells.join('')}`);
  }
  console.log(`p95 in training / p95 at rest: ${ratio.toFixed(2)} (target: at most ${LIMIT})`);
  await mkdir('bench/results', { recursive: true });
  await writeFile(
    'bench/results/search-during-training.json',
    JSON.stringify({ seconds, ratio, ...summary }, null, 2),
  );
}

function quantile(values, q) {
  return values.toSorted((a, b) => a - b)[Math.floor(q * (values.length - 1))];
}

/** The client: sends queries until its thread is terminated. */
async function sendQueries() {
  const query = `query($text: String!) { crossModalSearch(query: {text: $text}, target: IMAGE, first: 20) {
    edges { score node { id title } } } }`;
  const words = emojiCatalogue().flatMap(({ label, tags }) => [label, ...tags]);
  for (let i = 0; ; i += 1) {
    // A new text each time, so that no cache is used.
    const text = `${words[(i * 37) % words.length]} ${words[(i * 101 + 7) % words.length]} ${i}`;
    const start = performance.now();
    const response = await fetch(`${workerData.address}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables: { text } }),
    });
    const answer = await response.json();
    if (answer.data?.crossModalSearch.edges.length !== 20)
      throw new Error(JSON.stringify(answer).slice(0, 500));
    parentPort?.postMessage(performance.now() - start);
  }
}
