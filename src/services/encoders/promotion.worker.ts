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

/** Measures the encoders on the same pairs, in a process of its own, so that searches go on. */
const task = await taskData<PromotionTask>();

await asThread<PromotionMaps>(() => {
  const open = ({ bytes, seen, unseen }: PromotionTask['candidate']) => ({
    bytes,
    seen: openTable(seen),
    unseen: openTable(unseen),
  });
  type Contender = ReturnType<typeof open>;
  const active = task.active && open(task.active);
  const all = open(task.candidate);
  const candidate = active === null ? all : onlyPairsOf(all, active);
  const mapsBy = (encoder: Encoder, { seen, unseen }: Contender) => {
    const mapOf = (table: PairTable) => {
      const part = partOfTable(table);
      if (part === null) return null;
      const { image, text } = embedPart(part, encoder);
      return { map: evaluateRetrieval(image, text).mean.map };
    };
    return { seen: mapOf(seen), unseen: mapOf(unseen) };
  };
  const ours = mapsBy(loadEncoder(candidate.bytes), candidate);
  const theirs = active && mapsBy(loadEncoder(active.bytes), active);
  const untrained = loadZeroShot(candidate.bytes);
  const zeroShot = untrained && mapsBy(untrained, candidate);
  const compare = (part: 'seen' | 'unseen'): ComparedMaps | null => {
    const [mine, other] = [ours[part], theirs?.[part] ?? null];
    if (mine === null || (theirs !== null && other === null)) return null;
    return { pairs: candidate[part].pairs.length, candidate: mine.map, active: other?.map ?? null };
  };
  return {
    seen: compare('seen'),
    unseen: compare('unseen'),
    zeroShot: zeroShot && { seen: zeroShot.seen?.map ?? null, unseen: zeroShot.unseen?.map ?? null },
  };
});

/** The rows whose pairs the other one has too: row i is then the same pair in both. */
function onlyPairsOf<Tables extends { readonly seen: PairTable; readonly unseen: PairTable }>(
  tables: Tables,
  other: Tables,
): Tables {
  const only = (part: 'seen' | 'unseen') => {
    const there = new Set(other[part].pairs.map(pairKey));
    return selectRows(tables[part], (row) => there.has(pairKey(tables[part].pairs[row])));
  };
  return { ...tables, seen: only('seen'), unseen: only('unseen') };
}
