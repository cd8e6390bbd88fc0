import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createRandom } from '../../src/encoder/math/random.js';
import { sampleHeldOut } from '../../src/evaluation/evaluate-held-out.js';
import { splitAgain, splitTable } from '../../src/evaluation/pair-split.js';
import type { PairList, PairRow } from '../../src/evaluation/pair-table.js';
import { groupsOfTable } from '../../src/evaluation/sibling-groups.js';
import { LineFileWriter } from '../../src/platform/line-file.js';
import { type PairFile, pairLine, readPairFile } from '../../src/services/encoders/pair-file.js';
import { splitPairs } from '../../src/services/encoders/split-pairs.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'commonspace-pairs-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const CLASSES = ['a', 'b', 'c', 'd'].map((name) => ({ id: `id-${name}`, name, description: null }));
const mayLearn = (row: number) => row % 7 > 0;

/** Pairs of two captions on average, some of which repeat a picture or a text; some have no class. */
function listOf(rows: number): PairList {
  const random = createRandom(rows);
  const pick = (n: number) => Math.floor(random.uniform() * n);
  const classOf = Array.from({ length: rows }, () => CLASSES[pick(5)] ?? null);
  const pairs = classOf.map(
    (row, i): PairRow => ({
      imageId: `i${i}`,
      textId: `t${i}`,
      pairId: `p${pick(rows / 2)}`,
      imageHash: `${pick(rows * 4)}`,
      textHash: `${pick(rows * 4)}`,
      classIds: row === null ? [] : [row.id, 'another'],
    }),
  );
  return { pairs, classOf };
}

async function store({ pairs }: PairList): Promise<PairFile> {
  const writer = await LineFileWriter.create(join(folder, 'all.pairs'));
  await writer.append(pairs.map((pair, row) => pairLine(pair, mayLearn(row))));
  return { ...(await writer.finish()), classes: CLASSES };
}

async function read(file: PairFile): Promise<PairList> {
  const found: { pairs: PairRow[]; classOf: PairList['classOf'][number][] } = { pairs: [], classOf: [] };
  for await (const { pairs, classOf } of readPairFile(file)) {
    found.pairs.push(...pairs);
    found.classOf.push(...classOf);
  }
  return found;
}

it.each([
  ['in the calling thread', 400],
  ['in another process', 3000],
])('splits the pairs of a file %s as pairs in memory', async (_, rows) => {
  const list = listOf(rows);
  const file = await store(list);
  const options = { learnable: mayLearn, unseen: new Set(['c']), seed: 5 };
  const task = { pairs: file, unseen: ['c'], seed: 5, most: 50, into: join(folder, 'training.pairs') };

  const whole = splitTable(list, { ...options, holdout: 0.3 });
  const first = await splitPairs({ ...task, by: { kind: 'first', holdout: 0.3, bound: null } });
  const { bound, repeated } = whole;
  expect(first).toMatchObject({ bound, repeated, all: rows });
  expect(first.heldOut).toEqual({ seen: whole.seen.pairs.length, unseen: whole.unseen.pairs.length });
  expect(await read(first.source)).toEqual(whole.source);
  expect(first.groups).toEqual(groupsOfTable(whole.source));
  expect(first.seen).toEqual(sampleHeldOut(whole.seen, 50));
  expect(first.unseen).toEqual(sampleHeldOut(whole.unseen, 50));
  expect(whole.seen.pairs.length).toBeGreaterThan(50);

  const seenClassIds = ['id-a', 'id-b'];
  const then = splitAgain(list, options, bound, seenClassIds);
  const again = await splitPairs({ ...task, most: rows, by: { kind: 'again', bound, seenClassIds } });
  expect(await read(again.source)).toEqual(then.source);
  expect([again.seen, again.unseen]).toEqual([then.seen, then.unseen]);
});
