/** The aligned branch: it passes the components of a shared space on as they are. */
import type { Branch, EncoderParameters } from '../inference/parameters.js';
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
  return {
    branchWeights: [1],
    posteriorWeights: [0],
    projection: null,
    norms: null,
    aligned: 0,
    sides: { IMAGE: side(normalisation.IMAGE), TEXT: side(normalisation.TEXT) },
  };
}

function passOn(width: number): Branch {
  return {
    layers: [],
    skip: { weights: identity(width), bias: new Float32Array(width), slope: 1 },
    head: null,
  };
}
