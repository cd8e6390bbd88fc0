/** Splits the pairs of a file. All of them are in memory meanwhile, so for many pairs that is the work of another process. */
import { sampleHeldOut } from '../../evaluation/evaluate-held-out.js';
import { splitAgain, splitTable } from '../../evaluation/pair-split.js';
import type { PairClass, PairList, PairRow } from '../../evaluation/pair-table.js';
import { groupsOfTable } from '../../evaluation/sibling-groups.js';
import { LineFileWriter } from '../../platform/line-file.js';
import { inThread } from '../../platform/thread.js';
import { workerEntry } from '../../platform/worker-entry.js';
import { type PairFile, pairLine, readPairFile } from './pair-file.js';

export interface SplitTask {
  readonly pairs: PairFile;
  /** Names of the classes to keep out of the training set. */
  readonly unseen: readonly string[];
  readonly seed: number;
  /** See `splitTable` and `splitAgain`. */
  readonly by:
    | { readonly kind: 'first'; readonly holdout: number; readonly bound: number | null }
    | { readonly kind: 'again'; readonly bound: number; readonly seenClassIds: readonly string[] };
  /** Upper limit of the rows of each held-out part that are returned. */
  readonly most: number;
  /** The file that the training pairs are written to. */
  readonly into: string;
}

/** A `Split` whose training pairs are in a file. */
export interface StoredSplit {
  readonly source: PairFile;
  /** [training pairs]: see `groupsOfTable`. */
  readonly groups: Int32Array;
  /** Held-out pairs, or a sample of them. */
  readonly seen: PairList;
  readonly unseen: PairList;
  /** All held-out pairs. */
  readonly heldOut: { readonly seen: number; readonly unseen: number };
  readonly repeated: number;
  readonly bound: number;
  /** Number of pairs that were split. */
  readonly all: number;
}

/** Splitting fewer pairs takes less time than starting a process. */
const FEW_PAIRS = 1000;
const LINES_AT_ONCE = 1000;

/** @throws CommonspaceError DISK_FULL, BAD_ROWS, CANCELLED */
export async function splitPairs(task: SplitTask, signal?: AbortSignal): Promise<StoredSplit> {
  if (task.pairs.lines <= FEW_PAIRS) return await splitInThisThread(task);
  return await inThread<StoredSplit>(workerEntry(import.meta.url, 'split.worker'), task, {
    what: 'The split of the pairs',
    isolated: true,
    signal,
  });
}

/** `splitPairs` in the calling thread, which it blocks. */
export async function splitInThisThread({
  pairs: file,
  by,
  most,
  into,
  ...task
}: SplitTask): Promise<StoredSplit> {
  const [pairs, classOf, learnable]: [PairRow[], (PairClass | null)[], boolean[]] = [[], [], []];
  for await (const chunk of readPairFile(file)) {
    pairs.push(...chunk.pairs);
    classOf.push(...chunk.classOf);
    learnable.push(...chunk.learnable);
  }
  const table: PairList = { pairs, classOf };
  const options = {
    learnable: (row: number) => learnable[row] === true,
    unseen: new Set(task.unseen),
    seed: task.seed,
  };
  const split =
    by.kind === 'first'
      ? splitTable(table, { ...options, holdout: by.holdout, bound: by.bound })
      : splitAgain(table, options, by.bound, by.seenClassIds);
  const { source, seen, unseen, repeated, bound } = split;
  const writer = await LineFileWriter.create(into);
  for (let start = 0; start < source.pairs.length; start += LINES_AT_ONCE)
    await writer.append(source.pairs.slice(start, start + LINES_AT_ONCE).map((pair) => pairLine(pair)));
  return {
    source: { ...(await writer.finish()), classes: file.classes },
    groups: groupsOfTable(source),
    seen: sampleHeldOut(seen, most),
    unseen: sampleHeldOut(unseen, most),
    heldOut: { seen: seen.pairs.length, unseen: unseen.pairs.length },
    repeated,
    bound,
    all: pairs.length,
  };
}
