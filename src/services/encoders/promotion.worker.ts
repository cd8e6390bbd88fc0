import { workerData } from 'node:worker_threads';
import type { ComparedMaps } from '../../domain/encoder-record.js';
import { loadEncoder } from '../../encoder/inference/serialise.js';
import { retrievalOn } from '../../evaluation/evaluation.js';
import { asThread } from '../../platform/thread.js';
import type { PromotionMaps, PromotionTask } from './promotion.js';

/** Ranks the same pairs with both encoders, away from the thread that answers searches. */
const { candidate, active } = workerData as PromotionTask;

await asThread<PromotionMaps>(() => {
  const encoders = { candidate: loadEncoder(candidate.bytes), active: loadEncoder(active.bytes) };
  const compare = (part: 'seen' | 'unseen'): ComparedMaps | null => {
    const ours = retrievalOn(candidate[part], encoders.candidate);
    const theirs = retrievalOn(active[part], encoders.active);
    if (ours === null || theirs === null) return null;
    return { pairs: candidate[part].pairs.length, candidate: ours.mean.map, active: theirs.mean.map };
  };
  return { seen: compare('seen'), unseen: compare('unseen') };
});
