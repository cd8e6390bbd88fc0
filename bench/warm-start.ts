/**
 * A training that continues a version with new pairs, compared with one from nothing, on a folder of features. Run it after
 * `npm run build`:
 *
 *   npm run bench -- warm-start --bundle FOLDER [--seeds 0,1]
 *
 * A version is trained on 90 % of the training pairs. It is continued with all of them for a quarter of its epochs, and compared on
 * the test pairs with a training on all of them from nothing, for all epochs. Options are not tuned.
 */
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { evaluateRetrieval } from '../src/domain/metrics.js';
import { loadEncoder } from '../src/encoder/inference/serialise.js';
import { takeRows } from '../src/encoder/math/matrix.js';
import { createRandom, shuffle } from '../src/encoder/math/random.js';
import { trainEncoder } from '../src/encoder/training/train-encoder.js';
import type { SourceSet, TrainedEncoder, TrainOptionsInput } from '../src/encoder/types.js';
import { embedPart } from '../src/evaluation/measured-part.js';
import { readBundle } from '../src/services/evaluate/bundle/read-bundle.js';
import { partOf, planSplits, sourceOf } from '../src/services/evaluate/bundle-protocol.js';

/** Share of the training pairs that the first version knows. */
const KNOWN = 0.9;
const SHARE_OF_EPOCHS = 1 / 4;

const { values: options } = parseArgs({
  options: { bundle: { type: 'string' }, seeds: { type: 'string', default: '0' } },
});
if (options.bundle === undefined) throw new Error('name a folder of features by --bundle');
const bundle = await readBundle(options.bundle);

function selected(source: SourceSet, rows: Int32Array): SourceSet {
  return {
    ...source,
    image: takeRows(source.image, rows),
    text: takeRows(source.text, rows),
    labels: rows.map((row) => source.labels[row] as number),
    groups: source.groups ? rows.map((row) => source.groups?.[row] as number) : null,
  };
}

const table = new Table({ head: ['seed', 'training', 'pairs', 'epochs', 'seconds', 'map', 'R@10'] });
for (const split of planSplits(bundle, 'non-extendable', options.seeds.split(',').map(Number))) {
  const { seed, seen, unseen } = split;
  const all = sourceOf(bundle, seen);
  const test = partOf(bundle, [...seen, ...unseen]);
  if (test === null) throw new Error('there are no test pairs');
  const order = shuffle(Int32Array.from(all.labels.keys()), createRandom(seed, 500));
  const known = selected(all, order.slice(0, Math.round(KNOWN * order.length)).sort());
  const untuned: TrainOptionsInput = { seed, tune: 'none' };
  const report = (name: string, pairs: number, { bytes, epochs, seconds }: TrainedEncoder) => {
    const { image, text } = embedPart(test, loadEncoder(bytes));
    const { map, recall } = evaluateRetrieval(image, text).mean;
    const figures = [map, recall[10]].map((figure) => figure?.toFixed(4));
    table.push([seed, name, pairs, epochs, seconds.toFixed(0), ...figures]);
  };
  const version = await trainEncoder(known, untuned);
  report('90 % of the pairs', known.labels.length, version);
  const continued = await trainEncoder(
    all,
    { ...untuned, epochs: Math.ceil(version.options.epochs * SHARE_OF_EPOCHS) },
    { warmStart: { bytes: version.bytes, classes: Int32Array.from(all.classNames.keys()) } },
  );
  report('continued with all', all.labels.length, continued);
  report('all from nothing', all.labels.length, await trainEncoder(all, untuned));
}
console.log(table.toString());
