import type { ItemFilter } from '../../domain/filter.js';
import { isUuid } from '../../domain/ids.js';
import { MODALITIES, type Modality } from '../../domain/modality.js';
import { encodeUuidArray } from './vector-codec.js';

/** The values of a statement; each gets the next placeholder. */
export class Parameters {
  readonly values: unknown[] = [];

  /** @returns the placeholder, `$1` for the first. */
  add(value: unknown): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }
}

/** How a filter asks whether an item has a class of these names (a placeholder). */
type ClassTerm = (names: string) => string;

const BY_SUBQUERY: ClassTerm = (names) =>
  `EXISTS (SELECT 1 FROM item_class ic JOIN class c ON c.id = ic.class_id WHERE ic.item_id = i.id AND ic.home = i.home AND c.name = ANY(${names}::text[]))`;

/**
 * For an estimate on a distributed database. The planner takes the id and the home of an item for independent, and expects a small part of the items
 * if both are compared. Items of a pair mostly have the same classes, so the home alone tells about as many.
 */
const BY_HOME: ClassTerm = (names) =>
  `EXISTS (SELECT 1 FROM item_class ic JOIN class c ON c.id = ic.class_id WHERE ic.home = i.home AND c.name = ANY(${names}::text[]))`;

/** The filter as a condition on the item table's alias `i` whose estimate is right on a distributed database, and whose result is not. */
export function estimatedFilterSql(filter: ItemFilter | null, parameters: Parameters): string {
  return filterSql(filter, parameters, BY_HOME);
}

/**
 * The filter as a condition on groups of an item, of rows that `joinedClasses` has joined. For a subquery on the items of a row: Citus refuses another
 * one within it.
 */
export function groupedFilterSql(filter: ItemFilter, parameters: Parameters): string {
  return filterSql(filter, parameters, (names) => `coalesce(bool_or(c.name = ANY(${names}::text[])), false)`);
}

/** The classes `c` of the items `i`, for groupedFilterSql. */
export function joinedClasses(filter: ItemFilter): string {
  return hasClassTerm(filter)
    ? 'LEFT JOIN item_class ic ON ic.item_id = i.id AND ic.home = i.home LEFT JOIN class c ON c.id = ic.class_id'
    : '';
}

function hasClassTerm({ classNames, and, or, not }: ItemFilter): boolean {
  return (
    classNames !== undefined ||
    [...(and ?? []), ...(or ?? []), ...(not === undefined ? [] : [not])].some(hasClassTerm)
  );
}

/**
 * The filter as a condition on the item table's alias `i`. Values go into `parameters`, never into the text.
 *
 * No filter and an empty `and` match everything, empty `ids`, `classNames` or `or` match nothing.
 */
export function filterSql(
  filter: ItemFilter | null,
  parameters: Parameters,
  classTerm: ClassTerm = BY_SUBQUERY,
): string {
  if (filter === null) return 'true';
  const terms: string[] = [];
  if (filter.modality !== undefined) terms.push(`i.modality = ${modalitySql(filter.modality)}`);
  if (filter.ids !== undefined) {
    terms.push(`i.id = ANY(${parameters.add(encodeUuidArray(filter.ids.filter(isUuid)))}::uuid[])`);
  }
  if (filter.classNames !== undefined) {
    terms.push(classTerm(parameters.add([...filter.classNames])));
  }
  if (filter.createdAfter !== undefined)
    terms.push(`i.created_at >= ${time(filter.createdAfter, parameters)}`);
  if (filter.createdBefore !== undefined)
    terms.push(`i.created_at < ${time(filter.createdBefore, parameters)}`);
  if (filter.metadata !== undefined) {
    terms.push(`i.metadata @> ${parameters.add(JSON.stringify(filter.metadata))}::jsonb`);
  }
  if (filter.pairBucket !== undefined) terms.push(pairBucketSql(filter.pairBucket, parameters));
  for (const inner of filter.and ?? []) terms.push(filterSql(inner, parameters, classTerm));
  if (filter.or !== undefined) {
    const any = filter.or.map((inner) => filterSql(inner, parameters, classTerm));
    terms.push(any.length === 0 ? 'false' : any.join(' OR '));
  }
  if (filter.not !== undefined) terms.push(`NOT (${filterSql(filter.not, parameters, classTerm)})`);
  return terms.length === 0 ? 'true' : terms.map((term) => `(${term})`).join(' AND ');
}

/** Not a parameter: Citus cannot explain a statement with one of a type that is not built in. */
export function modalitySql(modality: Modality): string {
  if (!MODALITIES.includes(modality)) throw new Error(`not a modality: ${modality}`);
  return `'${modality}'::modality`;
}

function time(date: Date, parameters: Parameters): string {
  return `${parameters.add(date.toISOString())}::timestamptz`;
}

/** `bucketOf` of src/evaluation/pair-split.ts in SQL. */
function pairBucketSql({ seed, least }: { seed: number; least: number }, parameters: Parameters): string {
  if (least <= 0) return 'i.pair_id IS NOT NULL';
  const words = `${parameters.add(`${seed} `)}::text || i.pair_id::text`;
  const digits = `substr(encode(sha256(convert_to(${words}, 'UTF8')), 'hex'), 1, 12)`;
  return `('x' || ${digits})::bit(48)::bigint >= ${parameters.add(least)}::bigint`;
}
