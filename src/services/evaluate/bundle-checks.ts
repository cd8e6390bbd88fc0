import { badBundle } from './bundle/bad-bundle.js';
import type { FeatureBundle } from './bundle/read-bundle.js';
import { type BundleSplit, partOf, sourceOf } from './bundle-protocol.js';
import { targetOf } from './bundle-report.js';
import type { Protocol } from './train-for.js';

/** The fewest pairs for a training. */
const LEAST_PAIRS = 16;

/** @throws CommonspaceError BAD_BUNDLE where there are fewer pairs than a batch */
export function checkSize({ train }: FeatureBundle, batchSize: number): void {
  const { rows } = train.image;
  if (rows < batchSize) {
    throw badBundle(
      'img_train.npy',
      `it has ${rows} rows, fewer than a batch of ${batchSize} pairs (the option batchSize sets another size)`,
    );
  }
}

/** @throws CommonspaceError BAD_BUNDLE where a split leaves too few pairs for the training or for the measure */
export function checkSplit(bundle: FeatureBundle, split: BundleSplit, protocol: Protocol): void {
  const pairs = sourceOf(bundle, split.seen).labels.length;
  if (pairs < LEAST_PAIRS) {
    throw badBundle(
      'label_train.npy',
      `${pairs} rows are of the seen classes ${split.seen.join(', ')}, and training needs ${LEAST_PAIRS}`,
    );
  }
  const target = targetOf(protocol);
  const part = partOf(bundle, split[target]);
  if (part === null || new Set(part.sides.IMAGE.classes).size < 2) {
    throw badBundle(
      'label_test.npy',
      `its rows have fewer than two of the ${target} classes ${split[target].join(', ')}, so there is nothing to rank`,
    );
  }
}
