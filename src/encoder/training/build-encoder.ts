/** Builds an encoder of trained networks: collects the branches, combines them, fits the output projection. */
import type { Modality } from '../../domain/modality.js';
import { joinedWidth, SPHERE_COORDINATES } from '../inference/embed.js';
import type { EncoderParameters } from '../inference/parameters.js';
import { solveCca } from '../math/cca.js';
import type { LinearStart } from '../network/network.js';
import type { TrainOptions } from '../types.js';
import { withAligned } from './aligned-branch.js';
import { ccaLayers } from './cca-branch.js';
import { statisticsOf } from './cca-statistics.js';
import { type Branches, combineParts, keepsNorm, outputsOf } from './combine-parts.js';
import type { TrainedMember } from './member-training.js';
import { fitOutputProjection } from './output-projection.js';
import { ccaWidth } from './presets.js';
import { fitSemantic } from './semantic-branch.js';
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

/**
 * The branches of the networks and the linear ones that the options give a share, fitted on the pairs of `prepared`. Without
 * classes there is no semantic branch.
 */
export function collectBranches(
  prepared: PreparedSource,
  members: readonly TrainedMember[],
  options: TrainOptions,
): Branches {
  const { normalisation } = prepared;
  const linear = linearBranches(prepared, options);
  const side = (modality: Modality) => ({
    normalisation: normalisation[modality],
    branches: [
      ...members.map((member) => member.branches[modality]),
      ...linear.map(({ layers }) => ({ layers: [], skip: layers[modality], head: null })),
    ],
  });
  return {
    sides: { IMAGE: side('IMAGE'), TEXT: side('TEXT') },
    kinds: [...members.map(() => 'codes' as const), ...linear.map(({ kind }) => kind)],
  };
}

function linearBranches(
  { pairs, classEmbeddings }: PreparedSource,
  options: TrainOptions,
): readonly { readonly kind: 'cca' | 'semantic'; readonly layers: LinearStart }[] {
  const width = ccaWidth(options);
  const semantic = options.semanticShare > 0 ? classEmbeddings : null;
  if (width === 0 && semantic === null) return [];
  const statistics = statisticsOf(pairs, options);
  const cca = () => ccaLayers(solveCca(statistics, options.ccaRegularisation), width, options.ccaPower);
  return [
    ...(width > 0 ? [{ kind: 'cca' as const, layers: cca() }] : []),
    ...(semantic === null
      ? []
      : [{ kind: 'semantic' as const, layers: fitSemantic(pairs, semantic, statistics, options) }]),
  ];
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
