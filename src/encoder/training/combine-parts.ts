/** Combines the parts of an encoder by the options: the weight of each part, and how much of its norm it keeps. */
import { MODALITIES, type Modality } from '../../domain/modality.js';
import { type BranchOutput, runBranches } from '../inference/branches.js';
import { joinParts, norm } from '../inference/embed.js';
import type { EncoderParameters, SideNorms } from '../inference/parameters.js';
import { type Rows, rowOf } from '../math/matrix.js';
import type { TrainOptions } from '../types.js';
import { PROJECTED_ROWS, sampleOf } from './scale.js';
import type { PreparedPairs } from './training-data.js';

/** The branches of an encoder, before `combineParts` decides their weights. */
export interface Branches {
  readonly sides: EncoderParameters['sides'];
  /** [branches]: the networks come first. */
  readonly kinds: readonly ('codes' | 'cca' | 'semantic')[];
}

/** [pairs][branches] of each modality. */
export type Outputs = Readonly<Record<Modality, readonly (readonly BranchOutput[])[]>>;

/** The outputs of all branches for the image and the text of each pair, or of `PROJECTED_ROWS` of many pairs. */
export function outputsOf(branches: Branches, { image, text }: PreparedPairs): Outputs {
  const side = (modality: Modality, all: Rows) => {
    const sample = sampleOf(all, PROJECTED_ROWS);
    return Array.from({ length: sample.rows }, (_, row) =>
      runBranches(branches, modality, rowOf(sample, row)),
    );
  };
  return { IMAGE: side('IMAGE', image), TEXT: side('TEXT', text) };
}

/** Whether the parts keep some of their norms. */
export function keepsNorm({ codeLength, posteriorLength }: TrainOptions): boolean {
  return codeLength > 0 || posteriorLength > 0;
}

/**
 * Encoder parameters with the weights that the options give, and, if `keepsNorm`, the scales of the norms. Parts that do not
 * exist get no weight, and the weights of the others are scaled to the sum 1. The output projection is null.
 *
 * @param outputs of the training pairs: the scales come from them; required if `keepsNorm(options)`
 */
export function combineParts(
  { sides, kinds }: Branches,
  options: TrainOptions,
  outputs: Outputs | null,
): EncoderParameters {
  const { branches } = sides.IMAGE;
  const heads = branches.filter((branch) => branch.head !== null).length;
  const { posteriorShare, ccaShare, semanticShare } = options;
  const wanted = {
    codes: Math.max(0, 1 - posteriorShare - ccaShare - semanticShare),
    cca: ccaShare,
    semantic: semanticShare,
  };
  const count = (kind: keyof typeof wanted) => kinds.filter((other) => other === kind).length;
  const present = (Object.keys(wanted) as (keyof typeof wanted)[]).filter((kind) => count(kind) > 0);
  // Without classes there are no posteriors, and their share goes to the other parts.
  const posterior = heads > 0 ? posteriorShare : 0;
  const total = present.reduce((sum, kind) => sum + wanted[kind], posterior);
  const branchWeights = kinds.map((kind) => wanted[kind] / count(kind) / total);
  const posteriorWeights = branches.map(({ head }) => (head ? posterior / heads / total : 0));
  const unscaled: EncoderParameters = {
    branchWeights,
    posteriorWeights,
    projection: null,
    norms: null,
    semantic: branchWeights.some((weight, i) => kinds[i] === 'semantic' && weight > 0)
      ? kinds.indexOf('semantic')
      : null,
    sides,
  };
  return outputs !== null && keepsNorm(options) ? withNorms(unscaled, options, outputs) : unscaled;
}

function withNorms(
  parameters: EncoderParameters,
  { codeLength, posteriorLength }: TrainOptions,
  outputs: Outputs,
): EncoderParameters {
  const kept = { code: codeLength, posterior: posteriorLength };
  const { branches } = parameters.sides.IMAGE;
  const scalesOf = (modality: Modality): Omit<SideNorms, 'radius'> => ({
    codes: branches.map((_, i) => meanNorm(outputs[modality], (row) => row[i]?.code, kept.code)),
    posteriors: branches.map((_, i) =>
      meanNorm(outputs[modality], (row) => row[i]?.posterior, kept.posterior),
    ),
  });
  const scales = { IMAGE: scalesOf('IMAGE'), TEXT: scalesOf('TEXT') };
  const withRadius = (radius: Readonly<Record<Modality, number>>): EncoderParameters => ({
    ...parameters,
    norms: {
      ...kept,
      sides: {
        IMAGE: { ...scales.IMAGE, radius: radius.IMAGE },
        TEXT: { ...scales.TEXT, radius: radius.TEXT },
      },
    },
  });
  const unlimited = withRadius({ IMAGE: 1, TEXT: 1 });
  const radius = { IMAGE: 0, TEXT: 0 };
  for (const modality of MODALITIES) {
    for (const row of outputs[modality])
      radius[modality] = Math.max(radius[modality], norm(joinParts(unlimited, modality, row)));
  }
  return withRadius({ IMAGE: radius.IMAGE || 1, TEXT: radius.TEXT || 1 });
}

/** The root mean square of |x|^kept over the rows. */
function meanNorm(
  rows: readonly (readonly BranchOutput[])[],
  part: (row: readonly BranchOutput[]) => Float32Array | null | undefined,
  kept: number,
): number {
  let sum = 0;
  for (const row of rows) {
    const x = part(row);
    if (x) sum += norm(x) ** (2 * kept);
  }
  return Math.sqrt(sum / Math.max(1, rows.length)) || 1;
}
