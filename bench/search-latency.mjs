// Latency of a warm text search over HTTP in the demo's catalogue, compared with only extracting and encoding the query. Run
// it after `npm run build` and `npm run demo -- --exit`:
//
//   node bench/search-latency.mjs [DATA] [QUERIES]
import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openApp } from '../dist/compose.js';
import { readConfig } from '../dist/config.js';
import { emojiCatalogue } from '../dist/demo/emoji-catalogue.js';
import { loadEncoder } from '../dist/encoder/inference/serialise.js';
import { createFeatureExtractors } from '../dist/features/create-feature-extractors.js';

const data = process.argv[2] ?? './data';
const count = Number(process.argv[3] ?? 200);

// The encoder is read from a copy, because the server locks the folder while it runs.
const copy = await mkdtemp(join(tmpdir(), 'commonspace-bench-'));
await cp(join(data, 'postgres'), join(copy, 'postgres'), { recursive: true });
const app = await openApp(readConfig({ dataDir: copy }), console.error);
const encoder = loadEncoder(await app.training.activeWeights());
await app.close();
await rm(copy, { recursive: true, force: true });

const server = spawn(process.execPath, ['dist/main.js', 'serve', '--data', data, '--port', '0', '--json'], {
  stdio: ['ignore', 'pipe', 'inherit'],
  env: { ...process.env, COMMONSPACE_LOG_LEVEL: 'warn' },
});
const address = await new Promise((resolve) => {
  server.stdout.on('data', (chunk) => {
    const match = /"address":"([^"]+)"/.exec(String(chunk));
    if (match) resolve(match[1]);
  });
});

const QUERY = `query($text: String!) { crossModalSearch(query: {text: $text}, target: IMAGE, first: 20) {
  mode edges { score node { id title classes { name } ... on ImageItem { url(width: 64) } } } } }`;
// A plain client with one keep-alive connection, so that mostly the server is measured.
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
function post(path, body) {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const sent = request(address + path, { method: 'POST', agent, headers }, async (answer) => {
      const chunks = await answer.toArray();
      resolve(JSON.parse(Buffer.concat(chunks).toString()));
    });
    sent.on('error', reject).end(body);
  });
}
async function search(text) {
  const answer = await post('/graphql', JSON.stringify({ query: QUERY, variables: { text } }));
  if (answer.data?.crossModalSearch.edges.length !== 20)
    throw new Error(JSON.stringify(answer).slice(0, 500));
}

const features = await createFeatureExtractors();
async function extractAndEncode(text) {
  const [feature] = await features.text.extract([text]);
  encoder.embed('TEXT', feature);
}

// Different queries, so that no cache is used, made of the labels and tags of emoji.
const words = emojiCatalogue().flatMap(({ label, tags }) => [label, `a ${tags.slice(0, 3).join(' ')}`]);
const queries = Array.from({ length: count + 20 }, (_, i) => words[(i * 37) % words.length]);
const times = { http: [], again: [], alone: [] };
for (const [i, text] of queries.entries()) {
  let start = performance.now();
  await search(text);
  const http = performance.now() - start;
  start = performance.now();
  await search(text);
  const again = performance.now() - start;
  start = performance.now();
  await extractAndEncode(text);
  const alone = performance.now() - start;
  if (i < 20) continue;
  times.http.push(http);
  times.again.push(again);
  times.alone.push(alone);
}
server.kill();
agent.destroy();
await features.close();

const quantile = (values, q) => values.toSorted((a, b) => a - b)[Math.floor(q * (values.length - 1))];
const summary = Object.fromEntries(
  Object.entries(times).map(([name, values]) => [
    name,
    { p50: quantile(values, 0.5), p95: quantile(values, 0.95) },
  ]),
);
const ratio = summary.http.p50 / summary.alone.p50;
console.log('                              p50      p95   ms');
console.log(
  `search through HTTP       ${summary.http.p50.toFixed(1).padStart(7)}  ${summary.http.p95.toFixed(1).padStart(7)}`,
);
console.log(
  `extract and encode alone  ${summary.alone.p50.toFixed(1).padStart(7)}  ${summary.alone.p95.toFixed(1).padStart(7)}`,
);
console.log(
  `the same query again      ${summary.again.p50.toFixed(1).padStart(7)}  ${summary.again.p95.toFixed(1).padStart(7)}`,
);
console.log(`ratio of the medians      ${ratio.toFixed(2).padStart(7)}`);
await mkdir('bench/results', { recursive: true });
await writeFile(
  'bench/results/search-latency.json',
  JSON.stringify({ ...summary, ratio, queries: count }, null, 2),
);
