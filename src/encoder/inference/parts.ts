/** The parts of an encoder: what share each has in an embedding, and each as an encoder of its own. */
import type { Composition, PartKind } from '../../domain/composition.js';
import { PART_KINDS } from '../../domain/composition.js';
import type { Modality } from '../../domain/modality.js';
import { type Rows, rowOf, takeRows } from '../math/matrix.js';
import type { Encoder } from '../types.js';
import { runBranches } from './branches.js';
import { createEncoder } from './create-encoder.js';
import { joinParts, norm } from './embed.js';
import { createNormaliser } from './normalise.js';
import type { EncoderParameters } from './parameters.js';

/** At most this many training rows of each modality give the radius of a part. */
const RADIUS_ROWS = 2000;

/** The parts of weight above 0. */
export function compositionOf(parameters: EncoderParameters): Composition {
  return PART_KINDS.map((kind) => {
    const { branchWeights, posteriorWeights } = weightsOf(parameters, kind);
    return { kind, share: withoutRounding(sum(branchWeights) + sum(posteriorWeights)) };
  }).filter(({ share }) => share > 0);
}

/** Weights are sums and quotients of shares such as .2: this drops their rounding errors, which people would read. */
function withoutRounding(share: number): number {
  return Number(share.toPrecision(12));
}

/**
 * An encoder whose embedding is one part alone, before the output projection and a residual of texts; the
 * networks keep their weights relative to each other, and codes and posteriors what they keep of their norms.
 *
 * @param training features of the training set: the largest norm among them is the radius, as in the whole encoder
 * @returns null where the embedding does not have this part
 */
export function encoderOfPart(
  parameters: EncoderParameters,
  kind: PartKind,
  training: Readonly<Record<Modality, Rows>>,
): Encoder | null {
  const weights = weightsOf(parameters, kind);
  const total = sum(weights.branchWeights) + sum(weights.posteriorWeights);
  if (total === 0) return null;
  const alone: EncoderParameters = {
    ...parameters,
    branchWeights: weights.branchWeights.map((weight) => weight / total),
    posteriorWeights: weights.posteriorWeights.map((weight) => weight / total),
    projection: null,
    textResidual: null,
    nameMap: null,
  };
  const { norms } = parameters;
  if (norms === null) return createEncoder(alone);
  const side = (modality: Modality) => ({
    ...norms.sides[modality],
    radius: radiusOf(alone, modality, training[modality]),
  });
  return createEncoder({
    ...alone,
    norms: { ...norms, sides: { IMAGE: side('IMAGE'), TEXT: side('TEXT') } },
  });
}

/** The weights of the parameters, with 0 for everything that is not of this kind. */
function weightsOf(
  parameters: EncoderParameters,
  kind: PartKind,
): Pick<EncoderParameters, 'branchWeights' | 'posteriorWeights'> {
  const { branchWeights, posteriorWeights } = parameters;
  return {
    branchWeights: branchWeights.map((weight, i) => (kindOf(parameters, i) === kind ? weight : 0)),
    posteriorWeights: posteriorWeights.map((weight) => (kind === 'posteriors' ? weight : 0)),
  };
}

/** A network has at least the layer of its code; the other branches are a linear path alone. */
function kindOf({ aligned, semantic, sides }: EncoderParameters, branch: number): PartKind {
  if (branch === aligned) return 'aligned';
  if (branch === semantic) return 'semantic';
  return sides.IMAGE.branches[branch]?.layers.length === 0 ? 'cca' : 'codes';
}

function radiusOf(parameters: EncoderParameters, modality: Modality, features: Rows): number {
  const normalise = createNormaliser(parameters.sides[modality].normalisation);
  const sample = takeRows(features, atEvenDistances(features.rows, RADIUS_ROWS));
  let radius = 0;
  for (let row = 0; row < sample.rows; row += 1) {
    const outputs = runBranches(parameters, modality, normalise(rowOf(sample, row)));
    radius = Math.max(radius, norm(joinParts(parameters, modality, outputs)));
  }
  return radius || 1;
}

/** At most `most` of the rows. */
function atEvenDistances(rows: number, most: number): Int32Array {
  const taken = Math.min(rows, most);
  return Int32Array.from({ length: taken }, (_, i) => Math.floor((i * rows) / taken));
}

function sum(weights: readonly number[]): number {
  return weights.reduce((total, weight) => total + weight, 0);
}
