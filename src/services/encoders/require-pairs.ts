import type { Catalog } from '../../catalog/catalog.js';
import { CommonspaceError } from '../../domain/errors.js';

/** With fewer training pairs an encoder does not generalise. */
const MIN_PAIRS = 16;

/**
 * @param learnable pairs that may be training pairs
 * @param all all pairs in the catalogue, with the held-out ones
 * @throws CommonspaceError NO_PAIRS, naming what is missing
 */
export async function requirePairs(catalog: Catalog, learnable: number, all: number): Promise<void> {
  if (learnable >= MIN_PAIRS) return;
  const needed = `Training needs at least ${MIN_PAIRS} pairs of an image and a text`;
  throw new CommonspaceError('NO_PAIRS', `${needed}; ${await whatIsMissing(catalog, learnable, all)}`);
}

async function whatIsMissing(catalog: Catalog, learnable: number, all: number): Promise<string> {
  if (all >= MIN_PAIRS) {
    return `of the ${all} in the catalogue ${learnable} are left for training. Hold out fewer: a smaller share, fewer unseen classes, or no filter.`;
  }
  const { IMAGE: images, TEXT: texts } = await catalog.items.countByModality();
  if (images === 0 || texts === 0) {
    const lacking = images === 0 ? (texts === 0 ? 'no items' : 'no images') : 'no texts';
    return `the catalogue has ${lacking}. Ingest images and texts that share a pair key.`;
  }
  const found = all === 0 ? 'none share a pair key' : `only ${all} of their pairs have both`;
  return `the catalogue has ${images} images and ${texts} texts, but ${found}. Ingest images and texts that share a pair key.`;
}
