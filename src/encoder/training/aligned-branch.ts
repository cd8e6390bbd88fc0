/** The aligned branch: it passes the components of a shared space on as they are. */
import type { Branch, EncoderParameters } from '../inference/parameters.js';
import { alignedAlone } from '../inference/zero-shot.js';
import { identity } from './shared-normalisation.js';

type Side = EncoderParameters['sides']['IMAGE'];

/** The encoder of a shared space before any training: the aligned branch alone. */
export function alignedEncoder(
  normalisation: Readonly<Record<'IMAGE' | 'TEXT', Side['normalisation']>>,
): EncoderParameters {
  const side = (of: Side['normalisation']): Side => ({
    normalisation: of,
    branches: [passOn(of.basis.columns)],
  });
  return alignedAlone({ IMAGE: side(normalisation.IMAGE), TEXT: side(normalisation.TEXT) });
}

/**
 * An encoder with the aligned branch added, which gets this share of the weight. The other parts keep their proportions.
 *
 * @param parameters without an output projection and without kept norms
 * @param share above 0, at most 1
 */
export function withAligned(parameters: EncoderParameters, share: number): EncoderParameters {
  const { sides } = parameters;
  const rest = (weights: readonly number[]) => weights.map((weight) => weight * (1 - share));
  const side = ({ normalisation, branches }: Side): Side => ({
    normalisation,
    branches: [...branches, passOn(normalisation.basis.columns)],
  });
  return {
    ...parameters,
    branchWeights: [...rest(parameters.branchWeights), share],
    posteriorWeights: [...rest(parameters.posteriorWeights), 0],
    aligned: sides.IMAGE.branches.length,
    sides: { IMAGE: side(sides.IMAGE), TEXT: side(sides.TEXT) },
  };
}

function passOn(width: number): Branch {
  return {
    layers: [],
    skip: { weights: identity(width), bias: new Float32Array(width), slope: 1 },
    head: null,
  };
}
