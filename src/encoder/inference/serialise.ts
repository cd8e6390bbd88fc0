/** Encoder parameters to bytes and back. */
import { CommonspaceError } from '../../domain/errors.js';
import { MODALITIES, type Modality } from '../../domain/modality.js';
import type { Encoder, JsonValue } from '../types.js';
import { type BranchShape, isBranchShape, isCount, putBranch, takeBranch } from './branch-arrays.js';
import { checkParameters, createEncoder } from './create-encoder.js';
import { type EncoderFile, readEncoderFile, writeEncoderFile } from './encoder-file.js';

import type { Normalisation } from './normalise.js';
import type { Branch, EncoderParameters, KeptNorms, SideNorms } from './parameters.js';

const KIND = 'encoder';

interface SideShape {
  readonly features: number;
  readonly components: number;
  readonly clip: number;
  readonly branches: readonly BranchShape[];
}
interface Description {
  readonly branchWeights: readonly number[];
  /** These two are missing in encoders stored before there were posteriors. */
  readonly posteriorWeights?: readonly number[];
  readonly lengths?: KeptNorms | null;
  /** Rows and columns. */
  readonly projection: readonly [number, number] | null;
  readonly sides: Readonly<Record<Modality, SideShape>>;
  /** How it came about: options, notes. Not needed to use it. */
  readonly about: JsonValue;
}

/** The bytes that `loadEncoder` reads. `about` is kept beside the numbers for whoever wants to know where they come from. */
export function saveEncoder(parameters: EncoderParameters, about: JsonValue = null): Uint8Array {
  const arrays = new Map<string, Float32Array>();
  const side = (modality: Modality): SideShape => {
    const { normalisation, branches } = parameters.sides[modality];
    arrays.set(`${modality}.mean`, normalisation.mean);
    arrays.set(`${modality}.inverseDeviation`, normalisation.inverseDeviation);
    arrays.set(`${modality}.basis`, normalisation.basis.data);
    arrays.set(`${modality}.offset`, normalisation.offset);
    return {
      features: normalisation.basis.rows,
      components: normalisation.basis.columns,
      clip: normalisation.clip,
      branches: branches.map((branch, b) => putBranch(arrays, `${modality}.${b}`, branch)),
    };
  };
  const { projection } = parameters;
  if (projection !== null) arrays.set('projection', projection.data);
  const description: Description = {
    branchWeights: parameters.branchWeights,
    posteriorWeights: parameters.posteriorWeights,
    lengths: parameters.norms,
    projection: projection && [projection.rows, projection.columns],
    sides: { IMAGE: side('IMAGE'), TEXT: side('TEXT') },
    about,
  };
  return writeEncoderFile({ kind: KIND, description, arrays });
}

/**
 * An encoder ready to use. Throws BAD_MODEL, saying why, if these bytes are not an encoder that this version can read.
 */
export function loadEncoder(bytes: Uint8Array): Encoder {
  return createEncoder(loadParameters(bytes));
}

/** What is kept beside the numbers: options, notes. Throws BAD_MODEL as `loadEncoder` does. */
export function aboutEncoder(bytes: Uint8Array): JsonValue {
  return checkedDescription(readEncoderFile(bytes, KIND)).about ?? null;
}

export function loadParameters(bytes: Uint8Array): EncoderParameters {
  const file = readEncoderFile(bytes, KIND);
  const description = checkedDescription(file);
  const array = (name: string, length: number): Float32Array => {
    const found = file.arrays.get(name);
    if (found?.length !== length)
      throw bad(`"${name}" has ${found?.length ?? 'no'} numbers where ${length} belong`);
    if (!found.every(Number.isFinite)) throw bad(`"${name}" has a number that is not finite`);
    return found;
  };
  const side = (modality: Modality) => {
    const shape = description.sides[modality];
    const { features, components } = shape;
    const normalisation: Normalisation = {
      mean: array(`${modality}.mean`, features),
      inverseDeviation: array(`${modality}.inverseDeviation`, features),
      clip: shape.clip,
      basis: { data: array(`${modality}.basis`, features * components), rows: features, columns: components },
      offset: array(`${modality}.offset`, components),
    };
    const branches = shape.branches.map((branch, b): Branch => {
      let width = components;
      branch.layers.forEach((s, i) => {
        if (s.in !== width) throw bad(`layer ${i} takes ${s.in} numbers where ${width} come`);
        width = s.out;
      });
      if (
        branch.skip &&
        (branch.skip.in !== components || (branch.layers.length > 0 && branch.skip.out !== width))
      ) {
        throw bad('its linear path does not fit beside its layers');
      }
      if (branch.head && branch.head.in !== (branch.layers.at(-1)?.out ?? branch.skip?.out))
        throw bad('its classifier does not fit on its code');
      return takeBranch(array, `${modality}.${b}`, branch);
    });
    if (branches.length !== description.branchWeights.length)
      throw bad('it has more or fewer branches than weights');
    return { normalisation, branches };
  };
  const size = description.projection;
  const parameters: EncoderParameters = {
    branchWeights: description.branchWeights,
    posteriorWeights: description.posteriorWeights ?? description.branchWeights.map(() => 0),
    norms: description.lengths ?? null,
    projection: size && { data: array('projection', size[0] * size[1]), rows: size[0], columns: size[1] },
    sides: { IMAGE: side('IMAGE'), TEXT: side('TEXT') },
  };
  checkParameters(parameters);
  return parameters;
}

function checkedDescription({ description }: EncoderFile): Description {
  const d = description as Partial<Description> | null;
  const whole =
    Array.isArray(d?.branchWeights) &&
    areWeights(d.branchWeights, d.branchWeights.length) &&
    (d.posteriorWeights === undefined || areWeights(d.posteriorWeights, d.branchWeights.length)) &&
    areNorms(d.lengths ?? null, d.branchWeights.length) &&
    (d.projection === null ||
      (Array.isArray(d.projection) && d.projection.length === 2 && d.projection.every(isCount))) &&
    MODALITIES.every((modality) => isSide(d.sides?.[modality]));
  if (!whole) throw bad('its description lacks a field or has one of another type');
  return description as Description;
}

function areWeights(value: unknown, branches: number): boolean {
  return (
    Array.isArray(value) && value.length === branches && value.every((w) => typeof w === 'number' && w >= 0)
  );
}

function areNorms(value: Partial<KeptNorms> | null, branches: number): boolean {
  const scaled = (side: Partial<SideNorms> | undefined) =>
    areWeights(side?.codes, branches) &&
    areWeights(side?.posteriors, branches) &&
    typeof side?.radius === 'number' &&
    side.radius > 0;
  return (
    value === null ||
    (typeof value.code === 'number' &&
      typeof value.posterior === 'number' &&
      MODALITIES.every((modality) => scaled(value.sides?.[modality])))
  );
}

function isSide(side: Partial<SideShape> | undefined): boolean {
  return (
    isCount(side?.features) &&
    isCount(side?.components) &&
    typeof side?.clip === 'number' &&
    Array.isArray(side.branches) &&
    side.branches.length > 0 &&
    side.branches.every(isBranchShape)
  );
}

function bad(what: string): CommonspaceError {
  return new CommonspaceError('BAD_MODEL', `a stored encoder cannot be used: ${what}`);
}
