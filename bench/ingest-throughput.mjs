// The throughput of image ingest, compared with only decoding and extracting the same images on the same threads. Run it
// after `npm run build`:
//
//   node bench/ingest-throughput.mjs [IMAGES] [ROUNDS]
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCatalog } from '../dist/catalog/catalog.js';
import { emojiCatalogue } from '../dist/demo/emoji-catalogue.js';
import { createFeatureExtractors } from '../dist/features/create-feature-extractors.js';
import { checkAndDecode } from '../dist/media/decode.js';
import { createMediaStore } from '../dist/media/media-store.js';
import { createServices } from '../dist/services/services.js';

const count = Number(process.argv[2] ?? 800);
const rounds = Number(process.argv[3] ?? 3);
const images = await Promise.all(
  emojiCatalogue()
    .slice(0, count)
    .map(async ({ googleFile, hexcode }) => ({ hexcode, bytes: await readFile(googleFile) })),
);

const features = await createFeatureExtractors();
await features.image.extract(
  await Promise.all(
    images.slice(0, 32).map(async ({ bytes }) => (await checkAndDecode(bytes, features.image.input)).rgb),
  ),
);

/** Decodes and extracts in batches of the size that ingest uses, three concurrently. */
async function alone() {
  const chunks = Array.from({ length: Math.ceil(count / 64) }, (_, i) => images.slice(64 * i, 64 * (i + 1)));
  const work = async () => {
    for (let chunk = chunks.pop(); chunk !== undefined; chunk = chunks.pop()) {
      const decoded = await Promise.all(
        chunk.map(({ bytes }) => checkAndDecode(bytes, features.image.input)),
      );
      await features.image.extract(decoded.map(({ rgb }) => rgb));
    }
  };
  await Promise.all([work(), work(), work()]);
}

async function ingest() {
  const data = await mkdtemp(join(tmpdir(), 'commonspace-bench-'));
  const catalog = await openCatalog({ dataDir: data });
  const media = await createMediaStore({ directory: join(data, 'media') });
  const services = createServices({
    imageModels: [],
    catalog,
    features,
    media,
    fetchPolicy: {},
    bulk: { folder: join(data, 'uploads'), maxBytes: 2 ** 30, sources: [] },
    runsFolder: join(data, 'runs'),
    reportUnexpected: console.error,
  });
  const items = images.map(({ bytes, hexcode }) => ({ content: { bytes }, externalId: hexcode }));
  const start = performance.now();
  const outcomes = await services.ingest.ingest(items);
  const seconds = (performance.now() - start) / 1000;
  if (outcomes.some(({ status }) => status !== 'CREATED')) throw new Error('not all images were stored');
  await catalog.close();
  await rm(data, { recursive: true, force: true });
  return seconds;
}

const times = { alone: [], ingest: [] };
for (let round = 0; round < rounds; round += 1) {
  const start = performance.now();
  await alone();
  times.alone.push((performance.now() - start) / 1000);
  times.ingest.push(await ingest());
}
await features.close();

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const rate = { alone: count / median(times.alone), ingest: count / median(times.ingest) };
const ratio = rate.ingest / rate.alone;
console.log(`decode and extract alone  ${rate.alone.toFixed(1).padStart(7)} images/s`);
console.log(`ingest                    ${rate.ingest.toFixed(1).padStart(7)} images/s`);
console.log(`ratio                     ${ratio.toFixed(2).padStart(7)}`);
await mkdir('bench/results', { recursive: true });
await writeFile(
  'bench/results/ingest-throughput.json',
  JSON.stringify({ rate, ratio, times, count }, null, 2),
);
