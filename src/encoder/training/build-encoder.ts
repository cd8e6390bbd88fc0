/** From trained networks to an encoder: codes, posteriors and the CCA branch side by side, narrowed where they are too wide. */
import { MODALITIES, type Modality } from '../../domain/modality.js';
import {
  type BranchOutput,
  joinedWidth,
  joinParts,
  norm,
  runBranches,
  SLACK,
} from '../inference/inference.js';
import type { EncoderParameters, SideLengths } from '../inference/parameters.js';
import { rowOf } from '../math/matrix.js';
import type { SkipStart } from '../network/network.js';
import type { TrainOptions } from '../types.js';
import { type Cca, ccaLayer, ccaStatistics, solveCca } from './cca.js';
import type { TrainedMember } from './checkpoint.js';
import { embeddingProjection } from './compress.js';
import { ccaWidth } from './presets.js';
import type { PreparedPairs, PreparedSource } from './training-data.js';

/** What an encoder consists of, before it is weighed: `weigh` decides how much each part counts for. */
export interface Branches {
  readonly sides: EncoderParameters['sides'];
  /** How many of the branches, counted from the first, are networks; what follows is the CCA branch. */
  readonly networks: number;
}

/** The networks and, where the options want one, the CCA branch, fitted on these pairs. */
export function collectBranches(
  { normalisation, pairs }: PreparedSource,
  members: readonly TrainedMember[],
  options: TrainOptions,
): Branches {
  const width = ccaWidth(options);
  const linear = width > 0 ? skipStart(fitCca(pairs, options), width, options.ccaPower) : null;
  const side = (modality: Modality) => ({
    normalisation: normalisation[modality],
    branches: [
      ...members.map((member) => member.branches[modality]),
      ...(linear ? [{ layers: [], skip: linear[modality], head: null }] : []),
    ],
  });
  return { sides: { IMAGE: side('IMAGE'), TEXT: side('TEXT') }, networks: members.length };
}

/** The encoder that the options make of these branches. */
export function assemble(
  prepared: PreparedSource,
  members: readonly TrainedMember[],
  options: TrainOptions,
): EncoderParameters {
  const { pairs } = prepared;
  const branches = collectBranches(prepared, members, options);
  const outputs = keepsLength(options) ? outputsOf(branches, pairs) : null;
  const weighed = weigh(branches, options, outputs);
  const most = options.dimension - (outputs ? SLACK : 0);
  const parameters =
    joinedWidth(weighed) > most
      ? { ...weighed, projection: embeddingProjection(weighed, pairs, most, options.seed) }
      : weighed;
  return withoutIdleHeads(parameters);
}

/** What each branch says of each pair's image and text. */
export type Outputs = Readonly<Record<Modality, readonly (readonly BranchOutput[])[]>>;

export function outputsOf(branches: Branches, { image, text }: PreparedPairs): Outputs {
  const side = (modality: Modality, { rows }: PreparedPairs['image']) =>
    Array.from({ length: rows }, (_, row) =>
      runBranches(branches, modality, rowOf(modality === 'IMAGE' ? image : text, row)),
    );
  return { IMAGE: side('IMAGE', image), TEXT: side('TEXT', text) };
}

export function keepsLength({ codeLength, posteriorLength }: TrainOptions): boolean {
  return codeLength > 0 || posteriorLength > 0;
}

/**
 * Weights as the options' shares say, of the parts that there are; and, where lengths are kept, how long the parts are in use.
 *
 * @param outputs of the source set, by which lengths are scaled; only needed where lengths are kept
 */
export function weigh(
  { sides, networks }: Branches,
  options: TrainOptions,
  outputs: Outputs | null,
): EncoderParameters {
  const { branches } = sides.IMAGE;
  const heads = branches.filter((branch) => branch.head !== null).length;
  // Without classes there are no posteriors, and what they would weigh is everybody's.
  const posterior = heads > 0 ? options.posteriorShare : 0;
  const cca = branches.length > networks ? options.ccaShare : 0;
  const code = 1 - options.posteriorShare - options.ccaShare;
  const total = posterior + cca + Math.max(0, code);
  const branchWeights = branches.map((_, i) =>
    i < networks ? Math.max(0, code) / networks / total : cca / total,
  );
  const posteriorWeights = branches.map(({ head }) => (head ? posterior / heads / total : 0));
  const plain: EncoderParameters = {
    branchWeights,
    posteriorWeights,
    projection: null,
    lengths: null,
    sides,
  };
  if (outputs === null || !keepsLength(options)) return plain;

  const kept = { code: options.codeLength, posterior: options.posteriorLength };
  const scales = (modality: Modality): Omit<SideLengths, 'radius'> => ({
    codes: branches.map((_, i) => typicalLength(outputs[modality], (row) => row[i]?.code, kept.code)),
    posteriors: branches.map((_, i) =>
      typicalLength(outputs[modality], (row) => row[i]?.posterior, kept.posterior),
    ),
  });
  const at = (radius: Readonly<Record<Modality, number>>): EncoderParameters => ({
    ...plain,
    lengths: {
      ...kept,
      sides: {
        IMAGE: { ...scaled.IMAGE, radius: radius.IMAGE },
        TEXT: { ...scaled.TEXT, radius: radius.TEXT },
      },
    },
  });
  const scaled = { IMAGE: scales('IMAGE'), TEXT: scales('TEXT') };
  const free = at({ IMAGE: 1, TEXT: 1 });
  const radius = { IMAGE: 0, TEXT: 0 };
  for (const modality of MODALITIES) {
    for (const row of outputs[modality])
      radius[modality] = Math.max(radius[modality], norm(joinParts(free, modality, row)));
  }
  return at({ IMAGE: radius.IMAGE || 1, TEXT: radius.TEXT || 1 });
}

/** Root of the mean square of |x|^kept over the rows. */
function typicalLength(
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

/** A classifier that no posterior is taken of needs no place in the file. */
function withoutIdleHeads(parameters: EncoderParameters): EncoderParameters {
  const { posteriorWeights, sides } = parameters;
  const side = (modality: Modality) => ({
    ...sides[modality],
    branches: sides[modality].branches.map((branch, i) =>
      (posteriorWeights[i] ?? 0) > 0 ? branch : { ...branch, head: null },
    ),
  });
  return { ...parameters, sides: { IMAGE: side('IMAGE'), TEXT: side('TEXT') } };
}

export function fitCca({ image, text }: PreparedPairs, { ccaRegularisation }: TrainOptions): Cca {
  return solveCca(ccaStatistics(image, text), ccaRegularisation);
}

/** At most as wide as there are canonical variates. */
function skipStart(cca: Cca, width: number, power: number): SkipStart {
  return {
    IMAGE: ccaLayer(cca.image, cca.correlations, width, power),
    TEXT: ccaLayer(cca.text, cca.correlations, width, power),
  };
}

/** As wide as the code: where there are fewer canonical variates, the other columns start at 0. */
export function paddedSkip(cca: Cca, width: number, { ccaPower }: TrainOptions): SkipStart {
  const { IMAGE, TEXT } = skipStart(cca, width, ccaPower);
  const pad = (layer: SkipStart[Modality]): SkipStart[Modality] => {
    const { rows, columns, data } = layer.weights;
    if (columns === width) return layer;
    const wider = new Float32Array(rows * width);
    for (let i = 0; i < rows; i += 1) wider.set(data.subarray(i * columns, (i + 1) * columns), i * width);
    return { ...layer, weights: { data: wider, rows, columns: width }, bias: new Float32Array(width) };
  };
  return { IMAGE: pad(IMAGE), TEXT: pad(TEXT) };
}
