/** Pairs in files, a line each: a million of them take 0.3 GB on disk, and more in memory. */
import type { PairClass, PairList, PairRow } from '../../evaluation/pair-table.js';
import { type LineFileRef, readLines } from '../../platform/line-file.js';

/** Pairs of a file, with the classes that they name. */
export interface PairFile extends LineFileRef {
  readonly classes: readonly PairClass[];
}

type Fields = [string, string, string, string, string, readonly string[], 0 | 1];

/** A pair with whether it may be in a training set, as a line. */
export function pairLine(pair: PairRow, learnable = true): string {
  const { imageId, textId, pairId, imageHash, textHash, classIds } = pair;
  const fields: Fields = [imageId, textId, pairId, imageHash, textHash, classIds, learnable ? 1 : 0];
  return JSON.stringify(fields);
}

export interface PairChunk extends PairList {
  readonly learnable: readonly boolean[];
}

/** The pairs in order, about 200 at a time. @throws CommonspaceError BAD_ROWS if the file is incomplete */
export async function* readPairFile(file: PairFile): AsyncGenerator<PairChunk> {
  const classById = new Map(file.classes.map((row) => [row.id, row]));
  for await (const lines of readLines(file)) {
    const rows = lines.map((line) => JSON.parse(line) as Fields);
    yield {
      pairs: rows.map(([imageId, textId, pairId, imageHash, textHash, classIds]) => ({
        imageId,
        textId,
        pairId,
        imageHash,
        textHash,
        classIds,
      })),
      classOf: rows.map(([, , , , , classIds]) => classById.get(classIds[0] ?? '') ?? null),
      learnable: rows.map((fields) => fields[6] === 1),
    };
  }
}

/** Identifies a row of pairs: an image with five captions is in five rows. */
export const pairKey = (pair: Pick<PairRow, 'imageId' | 'textId'> | undefined): string =>
  `${pair?.imageId} ${pair?.textId}`;
