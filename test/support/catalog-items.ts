import { createHash } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import type { ItemWrite } from '../../src/catalog/types.js';
import { unit } from '../../src/domain/vectors.js';

/** A small deterministic generator (mulberry32), uniform in [0, 1). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A unit vector in a random direction. */
export function randomUnit(dimension: number, random: () => number): Float32Array {
  return unit(new Float32Array(dimension).map(() => random() + random() + random() - 1.5));
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** A text to write, with whatever differs. */
export function textWrite(text: string, differing: Partial<ItemWrite> = {}): ItemWrite {
  return {
    id: uuidv7(),
    modality: 'TEXT',
    externalId: null,
    title: null,
    metadata: {},
    contentHash: sha256(text),
    pairKey: null,
    classNames: [],
    image: null,
    text: { text, language: null },
    features: new Map(),
    embeddings: new Map(),
    ...differing,
  };
}

/** A picture to write; `name` stands for its bytes. */
export function imageWrite(name: string, differing: Partial<ItemWrite> = {}): ItemWrite {
  return {
    ...textWrite(name),
    modality: 'IMAGE',
    image: { mediaType: 'image/png', width: 64, height: 48, bytes: 9, pictureHash: null },
    text: null,
    ...differing,
  };
}
