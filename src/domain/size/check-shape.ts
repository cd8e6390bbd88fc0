import { CommonspaceError } from '../errors.js';
import type { CatalogueShape } from './catalogue-contents.js';
import type { Machines } from './catalogue-plan.js';

interface Range {
  readonly min: number;
  readonly max: number;
  readonly integer?: boolean;
}

/** pgvector indexes `halfvec` up to 4000 numbers. */
const DIMENSION: Range = { min: 1, max: 4000, integer: true };
const SPEED: Range = { min: 0.001, max: 1e6 };

const OF_SHAPE = {
  items: { min: 1, max: 1e12, integer: true },
  captions: { min: 0, max: 63 },
  encoders: { min: 1, max: 1000, integer: true },
  imageDimension: DIMENSION,
  textDimension: DIMENSION,
  embeddingDimension: DIMENSION,
  textBytes: { min: 1, max: 40_000 },
} as const satisfies Record<Exclude<keyof CatalogueShape, 'onPaper'>, Range>;

const OF_MACHINES = {
  memory: { min: 1e9, max: 1e14 },
  cores: { min: 1, max: 1e6, integer: true },
  picturesPerCoreSecond: SPEED,
  textsPerCoreSecond: SPEED,
} as const satisfies Record<keyof Machines, Range>;

/** @throws CommonspaceError BAD_INPUT that names the field */
export function checkShape(shape: Omit<CatalogueShape, 'onPaper'>): void {
  check(shape, OF_SHAPE);
}

/** @throws CommonspaceError BAD_INPUT that names the field */
export function checkMachines(machines: Machines): void {
  check(machines, OF_MACHINES);
}

function check<Field extends string>(
  values: Readonly<Record<Field, number>>,
  ranges: Readonly<Record<Field, Range>>,
): void {
  for (const [field, { min, max, integer }] of Object.entries<Range>(ranges)) {
    const value = values[field as Field];
    if (value >= min && value <= max && (!integer || Number.isInteger(value))) continue;
    throw new CommonspaceError(
      'BAD_INPUT',
      `Must be ${integer ? 'a whole number' : 'a number'} from ${min} to ${max}.`,
      [field],
    );
  }
}
