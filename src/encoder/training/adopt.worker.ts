/** The worker thread of `adoptEncoder`. */
import { workerData } from 'node:worker_threads';
import { loadTensorBackend } from '../../platform/tensor-backend.js';
import { asThread } from '../../platform/thread.js';
import { embeddingWidth } from '../inference/embed.js';
import { saveEncoder } from '../inference/serialise.js';
import type { AdoptedEncoder, AdoptionInput } from './adopt-encoder.js';
import { alignedEncoder } from './aligned-branch.js';
import { fitSharedNormalisation } from './shared-normalisation.js';

const { image, text } = workerData as AdoptionInput;

await asThread<AdoptedEncoder>(async () => {
  await loadTensorBackend();
  const parameters = alignedEncoder(fitSharedNormalisation(image, text, 0));
  return {
    bytes: saveEncoder(parameters, { method: 'zero-shot', images: image.rows, texts: text.rows }),
    dimension: embeddingWidth(parameters),
  };
});
