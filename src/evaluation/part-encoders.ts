import type { Composition, PartKind } from '../domain/composition.js';
import { METHODS, type Method } from '../domain/evaluation-record.js';
import type { EncoderParameters } from '../encoder/inference/parameters.js';
import { compositionOf, encoderOfPart } from '../encoder/inference/parts.js';
import { loadParameters } from '../encoder/inference/serialise.js';
import type { OpenSource } from '../encoder/training/stored-source.js';
import type { Encoder } from '../encoder/types.js';

const PART_METHODS = {
  codes: 'codes',
  posteriors: 'posteriors',
  cca: 'cca_part',
  semantic: 'semantic_part',
  aligned: 'zero_shot',
} as const satisfies Record<PartKind, Method>;

const PARTS: ReadonlySet<Method> = new Set(Object.values(PART_METHODS));

/** Whether a method is a part of the evaluated encoder. */
export function isPart(method: Method): boolean {
  return PARTS.has(method);
}

interface MeasuredParts {
  /** What an embedding consists of. */
  readonly composition: Composition;
  /** Each part alone, in the order of METHODS; empty where an embedding is one part as it is. */
  readonly parts: readonly { readonly method: Method; readonly encoder: Encoder }[];
}

/** @param bytes of the encoder */
export function partsOf(bytes: Uint8Array, source: OpenSource): MeasuredParts {
  const parameters = loadParameters(bytes);
  const composition = compositionOf(parameters);
  const hasParts = composition.length > 1 || parameters.textResidual != null;
  return { composition, parts: hasParts ? partEncoders(parameters, composition, source) : [] };
}

function partEncoders(
  parameters: EncoderParameters,
  composition: Composition,
  { image, text }: OpenSource,
): MeasuredParts['parts'] {
  return composition
    .flatMap(({ kind }) => {
      const encoder = encoderOfPart(parameters, kind, { IMAGE: image, TEXT: text });
      return encoder === null ? [] : [{ method: PART_METHODS[kind], encoder }];
    })
    .sort((a, b) => METHODS.indexOf(a.method) - METHODS.indexOf(b.method));
}
