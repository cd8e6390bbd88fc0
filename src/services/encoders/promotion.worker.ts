import type { ComparedMaps } from '../../domain/encoder-record.js';
import { evaluateRetrieval } from '../../domain/metrics.js';
import { loadEncoder } from '../../encoder/inference/serialise.js';
import { loadZeroShot } from '../../encoder/inference/zero-shot.js';
import type { Encoder } from '../../encoder/types.js';
import { embedPart, partOfTable } from '../../evaluation/measured-part.js';
import { openTable, type PairTable, selectRows } from '../../evaluation/pair-table.js';
import { taskData } from '../../platform/task-worker.js';
import { asThread } from '../../platform/thread.js';
import { pairKey } from './pair-file.js';
import type { PromotionMaps, PromotionTask } from './promotion.js';

/** Measures both encoders on the same pairs, in a process of its own, so that searches go on. */
const task = await taskData<PromotionTask>();

await asThread<PromotionMaps>(() => {
  const open = ({ bytes, seen, unseen }: PromotionTask['candidate']) => ({
    bytes,
    seen: openTable(seen),
    unseen: openTable(unseen),
  });
  type Contender = ReturnType<typeof open>;
  const active = open(task.active);
  const all = open(task.candidate);
  const candidate = {
    ...all,
    seen: onlyPairsOf(all.seen, active.seen),
    unseen: onlyPairsOf(all.unseen, active.unseen),
  };
  const mapsBy = (encoder: Encoder, { seen, unseen }: Contender) => {
    const mapOf = (table: PairTable) => {
      const part = partOfTable(table);
      if (part === null) return null;
      const { image, text } = embedPart(part, encoder);
      return { map: evaluateRetrieval(image, text).mean.map };
    };
    return { seen: mapOf(seen), unseen: mapOf(unseen) };
  };
  const [ours, theirs] = [candidate, active].map((one) => mapsBy(loadEncoder(one.bytes), one)) as [
    ReturnType<typeof mapsBy>,
    ReturnType<typeof mapsBy>,
  ];
  const untrained = loadZeroShot(candidate.bytes);
  const zeroShot = untrained && mapsBy(untrained, candidate);
  const compare = (part: 'seen' | 'unseen'): ComparedMaps | null => {
    const [mine, other] = [ours[part], theirs[part]];
    if (mine === null || other === null) return null;
    return { pairs: candidate[part].pairs.length, candidate: mine.map, active: other.map };
  };
  return {
    seen: compare('seen'),
    unseen: compare('unseen'),
    zeroShot: zeroShot && { seen: zeroShot.seen?.map ?? null, unseen: zeroShot.unseen?.map ?? null },
  };
});

/** The rows whose pairs the other table has too: row i is then the same pair in both. */
function onlyPairsOf(table: PairTable, other: PairTable): PairTable {
  const there = new Set(other.pairs.map(pairKey));
  return selectRows(table, (row) => there.has(pairKey(table.pairs[row])));
}
