// Extracts the features of the demo's images and captions into a folder of .npy files, for bench/retrieval.ts and
// bench/unseen-classes.ts. Run it after `npm run build`; `--help` prints how.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { emojiCatalogue } from '../dist/demo/emoji-catalogue.js';
import { createFeatureExtractors } from '../dist/features/create-feature-extractors.js';
import { decodeRgb } from '../dist/media/decode.js';
import { classText } from '../dist/services/serving/class-prototypes.js';

const USAGE = `node bench/emoji-features.mjs DIR [IMAGE_EXTRACTOR SUFFIX]

  node bench/emoji-features.mjs features default joined
  node bench/emoji-features.mjs features dir:/path/to/model#/path/to/description.json mnv2`;
const { values, positionals } = parseArgs({
  options: { help: { type: 'boolean', short: 'h' } },
  allowPositionals: true,
});
const [folder, image = 'default', suffix = 'joined'] = positionals;
if (values.help || folder === undefined) {
  console.log(USAGE);
  process.exit(values.help ? 0 : 2);
}
await mkdir(folder, { recursive: true });
const features = await createFeatureExtractors({ image });
const entries = emojiCatalogue();

/** Writes the NumPy format 1.0: a header, padded to a multiple of 64 bytes, and the rows. */
async function writeNpy(name, rows) {
  const shape = `(${rows.length}, ${rows[0].length})`;
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': ${shape}, }`;
  const padded = `${header.padEnd(Math.ceil((11 + header.length) / 64) * 64 - 11)}\n`;
  const start = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, padded.length & 255, padded.length >> 8]);
  const data = rows.map((row) => Buffer.from(row.buffer, row.byteOffset, row.byteLength));
  await writeFile(
    join(folder, `${name}.npy`),
    Buffer.concat([start, Buffer.from(padded, 'latin1'), ...data]),
  );
  console.log(`${name}.npy ${shape}`);
}

/** Extracts in batches of 128 entries. */
async function inBatches(extract) {
  const rows = [];
  for (let i = 0; i < entries.length; i += 128) rows.push(...(await extract(entries.slice(i, i + 128))));
  return rows;
}

for (const vendor of ['google', 'twitter']) {
  const rows = await inBatches(async (batch) => {
    const files = await Promise.all(batch.map((entry) => readFile(entry[`${vendor}File`])));
    return features.image.extract(
      await Promise.all(files.map((bytes) => decodeRgb(bytes, features.image.input))),
    );
  });
  await writeNpy(`image_${vendor}_${suffix}`, rows);
}
await writeNpy('text', await inBatches((batch) => features.text.extract(batch.map(({ text }) => text))));
// The class of a row is its subgroup. Row i of class_names.npy is the feature of the i-th class name in alphabetical order.
const names = [...new Set(entries.map(({ subgroup }) => subgroup))].sort();
await writeNpy(
  'class_names',
  await features.text.extract(names.map((name) => classText({ name, description: null }))),
);
const meta = entries.map(({ hexcode, label, subgroup, group }) => ({ hexcode, label, subgroup, group }));
await writeFile(join(folder, 'meta.json'), JSON.stringify(meta));
await features.close();
