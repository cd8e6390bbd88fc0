// The memory of `commonspace ingest` for sources of different lengths: a tar file of small pictures, each with a text. Run it after
// `npm run build`, on the embedded database, or on the one that DATABASE_URL names, which must be empty:
//
//   node bench/bulk-memory.mjs [--pictures-only] [PICTURES…]
//
// --pictures-only leaves out the texts, whose features take most of the time.
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { pack } from 'tar-stream';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const SIDE = 64;
const EVERY_MS = 250;
const given = process.argv.slice(2);
const picturesOnly = given.includes('--pictures-only');
const counts = given.filter((each) => !each.startsWith('--')).map(Number);

/** Pictures of noise, so that none is like another. */
async function writeSource(path, count) {
  const archive = pack();
  const file = createWriteStream(path);
  archive.pipe(file);
  let state = count;
  for (let i = 0; i < count; i += 1) {
    const pixels = new Uint8Array(SIDE * SIDE * 3);
    for (let at = 0; at < pixels.length; at += 1) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      pixels[at] = state >>> 24;
    }
    const png = await sharp(pixels, { raw: { width: SIDE, height: SIDE, channels: 3 } })
      .png()
      .toBuffer();
    const key = String(i).padStart(7, '0');
    const entry = (name, content) =>
      new Promise((resolve, reject) => {
        archive.entry({ name }, content, (error) => (error ? reject(error) : resolve()));
      });
    await entry(`${key}.png`, png);
    if (!picturesOnly) await entry(`${key}.txt`, `picture number ${i} of ${count}`);
    await entry(`${key}.cls`, `class ${i % 20}`);
  }
  archive.finalize();
  await finished(file);
}

async function residentMegabytes(pid) {
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/VmRSS:\s+(\d+)/.exec(text)?.[1] ?? 0) / 1024;
}

async function ingest(source, data) {
  const start = performance.now();
  const child = spawn(process.execPath, [MAIN, 'ingest', source, '--data', data, '--json'], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, COMMONSPACE_IMAGE_MODEL: 'hsv-hog' },
  });
  let out = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  const samples = [];
  const timer = setInterval(async () => samples.push(await residentMegabytes(child.pid)), EVERY_MS);
  await new Promise((resolve) => child.on('close', resolve));
  clearInterval(timer);
  const { created } = JSON.parse(out.trim().split('\n').at(-1));
  return { created, seconds: (performance.now() - start) / 1000, samples: samples.filter((mb) => mb > 0) };
}

const results = [];
for (const count of counts.length > 0 ? counts : [1_000, 10_000]) {
  const folder = await mkdtemp(join(tmpdir(), 'commonspace-bulk-'));
  try {
    const source = join(folder, `set-${count}.tar`);
    await writeSource(source, count);
    const { size } = await stat(source);
    const { created, seconds, samples } = await ingest(source, join(folder, 'data'));
    const half = samples.slice(Math.floor(samples.length / 2));
    results.push({
      pictures: count,
      'source MB': Math.round(size / 2 ** 20),
      items: created,
      seconds: Math.round(seconds),
      'peak MB': Math.round(Math.max(...samples)),
      'mean MB, second half': Math.round(half.reduce((sum, mb) => sum + mb, 0) / half.length),
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
console.table(results);
console.log(JSON.stringify(results));
