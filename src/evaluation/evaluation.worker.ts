import { workerData } from 'node:worker_threads';
import { trainCca } from '../encoder/baselines/train-cca.js';
import { loadEncoder } from '../encoder/inference/serialise.js';
import { asThread } from '../platform/thread.js';
import { classificationFigures } from './classification-figures.js';
import type { Evaluated, EvaluationRequest } from './evaluate-in-thread.js';
import { compareOn } from './evaluation.js';
import { calibrateCutOffs } from './similarity-thresholds.js';

/** Fits the CCA baseline and measures on the held-out pairs, away from the thread that answers searches. */
const { encoderBytes, source, sourcePairs, classes, held, seed } = workerData as EvaluationRequest;

await asThread<Evaluated>(async () => {
  const encoder = loadEncoder(encoderBytes);
  const cca = await trainCca(source, { seed, dimension: encoder.dimension });
  const learnt = { pairs: sourcePairs, image: source.image, text: source.text };
  return {
    holdout: {
      ...compareOn(held, encoder, cca.encoder),
      classification: classificationFigures(encoder, classes, learnt, held),
    },
    cutOffs: calibrateCutOffs(encoder, held, seed),
  };
});
