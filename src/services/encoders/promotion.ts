import type { Catalog } from '../../catalog/catalog.js';
import type { EncoderRow, TrainingPair } from '../../catalog/types.js';
import type { ComparedMaps, PromotionCheck } from '../../domain/encoder-record.js';
import { toMeasure } from '../../evaluation/evaluate-held-out.js';
import { type PairList, type PairTable, selectPairs, selectRows } from '../../evaluation/pair-table.js';
import { inThread } from '../../platform/thread.js';
import { workerEntry } from '../../platform/worker-entry.js';
import { withFeatures } from '../serving/read-pair-table.js';
import { extractorsOf, pairKey, splitOfEncoder } from './training-pairs.js';

/** From this many held-out pairs of both encoders on, the comparison uses these alone. */
const ENOUGH_FAIR_PAIRS = 50;

/** Input of the comparing thread: each encoder with the features that it reads; row i is the same pair in both. */
export interface PromotionTask {
  readonly candidate: Contender;
  readonly active: Contender;
}
interface Contender {
  readonly bytes: Uint8Array;
  readonly seen: PairTable;
  readonly unseen: PairTable;
}
export interface PromotionMaps {
  readonly seen: ComparedMaps | null;
  readonly unseen: ComparedMaps | null;
  /** The maps of the candidate's pre-trained model without training, on the same pairs; null where there is none. */
  readonly zeroShot?: Readonly<Record<'seen' | 'unseen', number | null>> | null;
}

/** Refuses encoders that retrieve worse than the active one, or than the pre-trained model that they stand on. */
export class PromotionGate {
  constructor(
    private readonly catalog: Catalog,
    private readonly tolerance: number,
  ) {}

  /**
   * Compares two encoders on held-out pairs of the candidate: on those that are not training pairs of the active encoder
   * if there are ENOUGH_FAIR_PAIRS of them, else on all, where the active encoder's figures are too high.
   */
  async check(candidate: EncoderRow, active: EncoderRow, signal?: AbortSignal): Promise<PromotionCheck> {
    const { seen, unseen } = toMeasure(await splitOfEncoder(this.catalog, candidate));
    const trainedOn = new Set((await splitOfEncoder(this.catalog, active)).source.pairs.map(pairKey));
    const held = [...seen.pairs, ...unseen.pairs];
    const fair = held.filter((pair) => !trainedOn.has(pairKey(pair)));
    const pairs = fair.length >= ENOUGH_FAIR_PAIRS ? fair : held;
    const maps = await this.compare(candidate, active, { pairs, seen, unseen }, signal);
    return {
      against: active.id,
      tolerance: this.tolerance,
      ...maps,
      learntByActive: pairs.filter((pair) => trainedOn.has(pairKey(pair))).length,
      refusal: refusal(maps, this.tolerance),
    };
  }

  private async compare(
    candidate: EncoderRow,
    active: EncoderRow,
    held: { readonly pairs: readonly TrainingPair[]; readonly seen: PairList; readonly unseen: PairList },
    signal: AbortSignal | undefined,
  ): Promise<PromotionMaps> {
    const chosen = new Set(held.pairs.map(pairKey));
    const compared = (list: PairList) => selectPairs(list, (row) => chosen.has(pairKey(list.pairs[row])));
    const mine = {
      seen: await this.tableFor(candidate, compared(held.seen)),
      unseen: await this.tableFor(candidate, compared(held.unseen)),
    };
    // The active encoder may read features of another extractor, which some items lack.
    const theirs = {
      seen: await this.tableFor(active, mine.seen),
      unseen: await this.tableFor(active, mine.unseen),
    };
    const [candidateBytes, activeBytes] = await Promise.all([
      this.catalog.encoders.weights(candidate.id),
      this.catalog.encoders.weights(active.id),
    ]);
    const task: PromotionTask = {
      candidate: {
        bytes: candidateBytes,
        seen: onlyPairsOf(mine.seen, theirs.seen),
        unseen: onlyPairsOf(mine.unseen, theirs.unseen),
      },
      active: { bytes: activeBytes, ...theirs },
    };
    return await inThread<PromotionMaps>(workerEntry(import.meta.url, 'promotion.worker'), task, {
      what: 'The comparison',
      signal,
    });
  }

  private tableFor(row: EncoderRow, pairs: PairList): Promise<PairTable> {
    return withFeatures(this.catalog, pairs, extractorsOf(row));
  }
}

function onlyPairsOf(table: PairTable, other: PairTable): PairTable {
  const there = new Set(other.pairs.map(pairKey));
  return selectRows(table, (row) => there.has(pairKey(table.pairs[row])));
}

/** Why the candidate is refused; null where it passes. */
export function refusal(maps: PromotionMaps, tolerance: number): string | null {
  const reasons = (['seen', 'unseen'] as const).flatMap((part) => {
    const { candidate = null, active = null, pairs = 0 } = maps[part] ?? {};
    const others = [
      ["the active one's", active],
      ["the untrained model's", maps.zeroShot?.[part] ?? null],
    ] as const;
    return others.flatMap(([name, map]) =>
      candidate === null || map === null || candidate >= map - tolerance
        ? []
        : [
            `on ${pairs} held-out pairs of ${part} classes its map is ${candidate.toFixed(3)}, ${name} ${map.toFixed(3)}`,
          ],
    );
  });
  if (reasons.length === 0) return null;
  return `The encoder retrieves worse than the active one or than its model without training: ${reasons.join('; ')} (tolerance: ${tolerance}).`;
}
