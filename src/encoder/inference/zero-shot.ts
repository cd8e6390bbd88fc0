/** The part of an encoder that needs no training: the space that the features of both modalities share. */
import type { Modality } from '../../domain/modality.js';
import type { Encoder } from '../types.js';
import { createEncoder } from './create-encoder.js';
import type { EncoderParameters } from './parameters.js';
import { loadParameters } from './serialise.js';

type Side = EncoderParameters['sides'][Modality];

/** The encoder of an aligned branch alone. @param sides with that branch and no other */
export function alignedAlone(sides: EncoderParameters['sides']): EncoderParameters {
  return { branchWeights: [1], posteriorWeights: [0], projection: null, norms: null, aligned: 0, sides };
}

/** The zero-shot encoder within an encoder file; null if the features share no space, or if training has changed nothing. @throws CommonspaceError BAD_MODEL */
export function loadZeroShot(bytes: Uint8Array): Encoder | null {
  const parameters = zeroShotOf(loadParameters(bytes));
  return parameters && createEncoder(parameters);
}

/** The encoder of the aligned branch alone; null for one that training has not changed, too. */
function zeroShotOf({
  aligned,
  branchWeights,
  textResidual,
  sides,
}: EncoderParameters): EncoderParameters | null {
  if (aligned == null || (branchWeights[aligned] === 1 && textResidual == null)) return null;
  const side = ({ normalisation, branches }: Side): Side => ({
    normalisation,
    branches: branches.slice(aligned, aligned + 1),
  });
  return alignedAlone({ IMAGE: side(sides.IMAGE), TEXT: side(sides.TEXT) });
}
