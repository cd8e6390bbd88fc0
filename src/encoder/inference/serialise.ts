/** Encoder parameters to the bytes of an encoder file, and back. */
import { CommonspaceError } from '../../domain/errors.js';
import { MODALITIES, type Modality } from '../../domain/modality.js';
import { allFinite } from '../../domain/vectors.js';
import type { Encoder, JsonValue } from '../types.js';
import { type BranchShape, isBranchShape, isCount, putBranch, takeBranch } from './branch-arrays.js';
import { checkParameters, createEncoder } from './create-encoder.js';
import { type EncoderFile, readEncoderFile, writeEncoderFile } from './encoder-file.js';
import type { Normalisation } from './normalise.js';
import type { Branch, EncoderParameters, KeptNorms, SideNorms } from './parameters.js';

const KIND = 'encoder';
/** What the names of the arrays of a residual, and of a name map, begin with. */
const TEXT_RESIDUAL = 'TEXT.residual';
const NAME_MAP = 'nameMap';

interface SideShape {
  readonly features: number;
  readonly components: number;
  readonly clip: number;
  readonly branches: readonly BranchShape[];
}
/** The description in an encoder file. Its field names are part of the format. */
interface Description {
  readonly branchWeights: readonly number[];
  /** Both are missing in encoder files written before posteriors were added. */
  readonly posteriorWeights?: readonly number[];
  readonly lengths?: KeptNorms | null;
  /** Missing in files of encoders whose features share no space. */
  readonly aligned?: number | null;
  /** Missing in files of encoders without one. */
  readonly textResidual?: BranchShape | null;
  /** Missing in files of encoders without a semantic branch. */
  readonly semantic?: number | null;
  /** Missing in files of encoders without a name map. */
  readonly nameMap?: BranchShape | null;
  /** Rows and columns of the output projection. */
  readonly projection: readonly [number, number] | null;
  readonly sides: Readonly<Record<Modality, SideShape>>;
  /** Options, notes and history of the training. Not needed to use the encoder. */
  readonly about: JsonValue;
}

/**
 * The bytes of an encoder file, for `loadEncoder`.
 *
 * @param about stored with the parameters, for `aboutEncoder`
 */
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
    ...(parameters.aligned != null && { aligned: parameters.aligned }),
    ...(parameters.textResidual != null && {
      textResidual: putBranch(arrays, TEXT_RESIDUAL, {
        layers: parameters.textResidual,
        skip: null,
        head: null,
      }),
    }),
    ...(parameters.semantic != null && { semantic: parameters.semantic }),
    ...(parameters.nameMap != null && {
      nameMap: putBranch(arrays, NAME_MAP, { layers: [], skip: parameters.nameMap, head: null }),
    }),
    projection: projection && [projection.rows, projection.columns],
    sides: { IMAGE: side('IMAGE'), TEXT: side('TEXT') },
    about,
  };
  return writeEncoderFile({ kind: KIND, description, arrays });
}

/**
 * The encoder in an encoder file.
 *
 * @throws CommonspaceError BAD_MODEL, with the reason, if this version cannot read the bytes
 */
export function loadEncoder(bytes: Uint8Array): Encoder {
  return createEncoder(loadParameters(bytes));
}

/**
 * The `about` value of an encoder file: options, notes and history of its training.
 *
 * @throws CommonspaceError BAD_MODEL, as `loadEncoder`
 */
export function aboutEncoder(bytes: Uint8Array): JsonValue {
  return checkedDescription(readEncoderFile(bytes, KIND)).about ?? null;
}

/** @throws CommonspaceError BAD_MODEL, as `loadEncoder` */
export function loadParameters(bytes: Uint8Array): EncoderParameters {
  const file = readEncoderFile(bytes, KIND);
  const description = checkedDescription(file);
  const array = (name: string, length: number): Float32Array => {
    const found = file.arrays.get(name);
    if (found?.length !== length)
      throw bad(`"${name}" has ${found?.length ?? 'no'} numbers where ${length} are expected`);
    if (!allFinite(found)) throw bad(`"${name}" has a number that is not finite`);
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
        if (s.in !== width) throw bad(`layer ${i} takes ${s.in} numbers, but its input has ${width}`);
        width = s.out;
      });
      if (
        branch.skip &&
        (branch.skip.in !== components || (branch.layers.length > 0 && branch.skip.out !== width))
      ) {
        throw bad('the width of its linear path differs from that of its layers');
      }
      if (branch.head && branch.head.in !== (branch.layers.at(-1)?.out ?? branch.skip?.out))
        throw bad('the input width of its classifier differs from the width of its code');
      return takeBranch(array, `${modality}.${b}`, branch);
    });
    if (branches.length !== description.branchWeights.length)
      throw bad('the number of branches differs from the number of weights');
    return { normalisation, branches };
  };
  const size = description.projection;
  const parameters: EncoderParameters = {
    branchWeights: description.branchWeights,
    posteriorWeights: description.posteriorWeights ?? description.branchWeights.map(() => 0),
    norms: description.lengths ?? null,
    aligned: description.aligned ?? null,
    textResidual: description.textResidual
      ? takeBranch(array, TEXT_RESIDUAL, description.textResidual).layers
      : null,
    semantic: description.semantic ?? null,
    nameMap: description.nameMap ? takeBranch(array, NAME_MAP, description.nameMap).skip : null,
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
    (d.textResidual == null || isBranchShape(d.textResidual)) &&
    (d.nameMap == null || isBranchShape(d.nameMap)) &&
    (d.projection === null ||
      (Array.isArray(d.projection) && d.projection.length === 2 && d.projection.every(isCount))) &&
    MODALITIES.every((modality) => isSide(d.sides?.[modality]));
  if (!whole) throw bad('its description lacks a field, or a field has the wrong type');
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
