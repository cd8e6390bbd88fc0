import type { Catalog } from '../../catalog/catalog.js';
import type { EncoderRow, TrainingPair } from '../../catalog/types.js';
import type { ComparedMaps, PromotionCheck } from '../../domain/encoder-record.js';
import type { RowFileRef } from '../../domain/matrix.js';
import { type PairList, type PairTable, selectPairs } from '../../evaluation/pair-table.js';
import { inThread } from '../../platform/thread.js';
import { workerEntry } from '../../platform/worker-entry.js';
import type { Checkpoints } from './checkpoints.js';
import { type PairFile, pairKey, readPairFile } from './pair-file.js';
import { storeTable } from './source-files.js';
import { extractorsOf, type SplitPlace, storedSplitOfEncoder } from './training-pairs.js';

/** From this many held-out pairs of both encoders on, the comparison uses these alone. */
const ENOUGH_FAIR_PAIRS = 50;

/** Input of the comparing process: each encoder with the features that it reads. Some pairs of the candidate may lack those of the active encoder. */
export interface PromotionTask {
  readonly candidate: Contender;
  /** Null before the first activation. */
  readonly active: Contender | null;
}
interface Contender {
  readonly bytes: Uint8Array;
  readonly seen: PairTable<RowFileRef>;
  readonly unseen: PairTable<RowFileRef>;
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
    private readonly checkpoints: Checkpoints,
    private readonly tolerance: number,
  ) {}

  /**
   * Compares two encoders on held-out pairs of the candidate: on those that are not training pairs of the active encoder
   * if there are ENOUGH_FAIR_PAIRS of them, else on all, where the active encoder's figures are too high.
   *
   * @param active null before the first activation: then only the candidate's model without training is compared with
   */
  async check(
    candidate: EncoderRow,
    active: EncoderRow | null,
    signal?: AbortSignal,
  ): Promise<PromotionCheck> {
    return await this.checkpoints.withFolder(candidate.id, (folder) =>
      this.checkIn({ folder, signal }, candidate, active),
    );
  }

  private async checkIn(
    place: SplitPlace,
    candidate: EncoderRow,
    active: EncoderRow | null,
  ): Promise<PromotionCheck> {
    const { seen, unseen } = await storedSplitOfEncoder(this.catalog, candidate, null, place);
    const held = [...seen.pairs, ...unseen.pairs];
    const trainedOn =
      active === null ? new Set<string>() : await this.trainedOn(active, new Set(held.map(pairKey)), place);
    const fair = held.filter((pair) => !trainedOn.has(pairKey(pair)));
    const pairs = fair.length >= ENOUGH_FAIR_PAIRS ? fair : held;
    const maps = await this.compare(candidate, active, { pairs, seen, unseen }, place);
    return {
      against: (active ?? candidate).id,
      tolerance: this.tolerance,
      ...maps,
      learntByActive: pairs.filter((pair) => trainedOn.has(pairKey(pair))).length,
      refusal: refusal(maps, this.tolerance),
    };
  }

  /** Those of the keys whose pairs an encoder was trained on. */
  private async trainedOn(
    encoder: EncoderRow,
    keys: ReadonlySet<string>,
    place: SplitPlace,
  ): Promise<ReadonlySet<string>> {
    const { source } = await storedSplitOfEncoder(this.catalog, encoder, null, place);
    return await keysIn(source, keys);
  }

  private async compare(
    candidate: EncoderRow,
    active: EncoderRow | null,
    held: { readonly pairs: readonly TrainingPair[]; readonly seen: PairList; readonly unseen: PairList },
    place: SplitPlace,
  ): Promise<PromotionMaps> {
    const chosen = new Set(held.pairs.map(pairKey));
    const compared = (list: PairList) => selectPairs(list, (row) => chosen.has(pairKey(list.pairs[row])));
    const tableFor = (row: EncoderRow, pairs: PairList, name: string) =>
      storeTable(this.catalog, pairs, extractorsOf(row), place, name);
    const mine = {
      seen: await tableFor(candidate, compared(held.seen), 'candidate.seen'),
      unseen: await tableFor(candidate, compared(held.unseen), 'candidate.unseen'),
    };
    const candidateBytes = await this.catalog.encoders.weights(candidate.id);
    const task: PromotionTask = {
      candidate: { bytes: candidateBytes, ...mine },
      active: active && {
        bytes: await this.catalog.encoders.weights(active.id),
        // It may read features of another extractor, which some items lack.
        seen: await tableFor(active, mine.seen, 'active.seen'),
        unseen: await tableFor(active, mine.unseen, 'active.unseen'),
      },
    };
    return await inThread<PromotionMaps>(workerEntry(import.meta.url, 'promotion.worker'), task, {
      what: 'The comparison',
      isolated: true,
      signal: place.signal,
    });
  }
}

/** Those of the keys that pairs of the file have. */
async function keysIn(file: PairFile, keys: ReadonlySet<string>): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for await (const { pairs } of readPairFile(file))
    for (const key of pairs.map(pairKey)) if (keys.has(key)) found.add(key);
  return found;
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
