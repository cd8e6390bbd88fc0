import type { TrainOptions } from '../types.js';
import { fitCca, paddedCcaLayers } from './cca-branch.js';
import { createMemberTraining, type TrainedMember } from './member-training.js';
import type { PreparedPairs, PreparedSource } from './training-data.js';

/** One network, trained on all of these rows for all epochs of the options: for choices, which compare networks on other rows. */
export async function trainOnRows(
  { classes, classEmbeddings }: PreparedSource,
  training: PreparedPairs,
  options: TrainOptions,
  member: number,
  yieldToEventLoop: () => Promise<void>,
): Promise<TrainedMember> {
  const codeWidth = options.memberDimension || options.dimension;
  const linear = options.ccaSkip ? paddedCcaLayers(fitCca(training, options), codeWidth, options) : null;
  const run = createMemberTraining({ training, validation: null, classes, classEmbeddings }, options, {
    member,
    epochs: options.epochs,
    codeWidth,
    linear,
  });
  try {
    while (!run.done) {
      run.runEpoch();
      await yieldToEventLoop();
    }
    return run.result();
  } finally {
    run.dispose();
  }
}
