/** The part of an encoder that needs no training: the space that the features of both modalities share. */
import type { Encoder } from '../types.js';
import { createEncoder } from './create-encoder.js';
import type { EncoderParameters } from './parameters.js';
import { loadParameters } from './serialise.js';

/** The zero-shot encoder within an encoder file; null if the features share no space, or if training has changed nothing. @throws CommonspaceError BAD_MODEL */
export function loadZeroShot(bytes: Uint8Array): Encoder | null {
  const parameters = zeroShotOf(loadParameters(bytes));
  return parameters && createEncoder(parameters);
}

/** The encoder of the aligned branch alone; null for one that training has not changed, too. */
function zeroShotOf(parameters: EncoderParameters): EncoderParameters | null {
  const { aligned, branchWeights, sides } = parameters;
  if (aligned == null || branchWeights[aligned] === 1) return null;
  const side = ({ normalisation, branches }: EncoderParameters['sides']['IMAGE']) => ({
    normalisation,
    branches: branches.slice(aligned, aligned + 1),
  });
  return {
    branchWeights: [1],
    posteriorWeights: [0],
    projection: null,
    norms: null,
    aligned: 0,
    sides: { IMAGE: side(sides.IMAGE), TEXT: side(sides.TEXT) },
  };
}
