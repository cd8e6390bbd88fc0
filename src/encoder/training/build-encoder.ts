/** Builds an encoder of trained networks: collects the branches, combines them, fits the output projection. */
import type { Modality } from '../../domain/modality.js';
import { joinedWidth, SPHERE_COORDINATES } from '../inference/embed.js';
import type { EncoderParameters } from '../inference/parameters.js';
import type { TrainOptions } from '../types.js';
import { withAligned } from './aligned-branch.js';
import { ccaLayers, fitCca } from './cca-branch.js';
import { type Branches, combineParts, keepsNorm, outputsOf } from './combine-parts.js';
import type { TrainedMember } from './member-training.js';
import { fitOutputProjection } from './output-projection.js';
import { ccaWidth } from './presets.js';
import { ALIGNED_WIDTH, ROWS_A_NUMBER } from './shared-normalisation.js';
import type { PreparedSource } from './training-data.js';

/** The encoder parameters that the options give for these networks. */
export function buildEncoder(
  prepared: PreparedSource,
  members: readonly TrainedMember[],
  options: TrainOptions,
): EncoderParameters {
  const { pairs } = prepared;
  const branches = collectBranches(prepared, members, options);
  const outputs = keepsNorm(options) ? outputsOf(branches, pairs) : null;
  const combined = combineParts(branches, options, outputs);
  const most = options.dimension - (outputs ? SPHERE_COORDINATES : 0);
  const parameters =
    joinedWidth(combined) > most
      ? { ...combined, projection: fitOutputProjection(combined, pairs, most, options.seed) }
      : combined;
  return withoutUnusedHeads(parameters);
}

/**
 * The same where the features share a space, with a share below 1 of the weight for the aligned branch. Parts keep no norms. The parts are reduced to `ALIGNED_WIDTH` only where there are rows enough for it.
 */
export function buildAlignedEncoder(
  prepared: PreparedSource,
  members: readonly TrainedMember[],
  options: TrainOptions,
  alignedShare: number,
): EncoderParameters {
  const { pairs } = prepared;
  const branches = collectBranches(prepared, members, options);
  const combined = withAligned(
    combineParts(branches, { ...options, codeLength: 0, posteriorLength: 0 }, null),
    alignedShare,
  );
  const width = joinedWidth(combined);
  const reduces = width > ALIGNED_WIDTH && 2 * pairs.labels.length >= ROWS_A_NUMBER * width;
  return withoutUnusedHeads(
    reduces
      ? { ...combined, projection: fitOutputProjection(combined, pairs, ALIGNED_WIDTH, options.seed) }
      : combined,
  );
}

/** The branches of the networks and, if the options give it a share, the CCA branch, fitted on the pairs of `prepared`. */
export function collectBranches(
  { normalisation, pairs }: PreparedSource,
  members: readonly TrainedMember[],
  options: TrainOptions,
): Branches {
  const width = ccaWidth(options);
  const linear = width > 0 ? ccaLayers(fitCca(pairs, options), width, options.ccaPower) : null;
  const side = (modality: Modality) => ({
    normalisation: normalisation[modality],
    branches: [
      ...members.map((member) => member.branches[modality]),
      ...(linear ? [{ layers: [], skip: linear[modality], head: null }] : []),
    ],
  });
  return { sides: { IMAGE: side('IMAGE'), TEXT: side('TEXT') }, networks: members.length };
}

/** Drops the classifiers whose posterior has weight 0, so that they are not stored. */
function withoutUnusedHeads(parameters: EncoderParameters): EncoderParameters {
  const { posteriorWeights, sides } = parameters;
  const side = (modality: Modality) => ({
    ...sides[modality],
    branches: sides[modality].branches.map((branch, i) =>
      (posteriorWeights[i] ?? 0) > 0 ? branch : { ...branch, head: null },
    ),
  });
  return { ...parameters, sides: { IMAGE: side('IMAGE'), TEXT: side('TEXT') } };
}
