import type { Modality } from './modality.js';

/** Conditions on items. An item must meet all given fields; it meets `classNames` if it has one of the classes. */
export interface ItemFilter {
  readonly modality?: Modality;
  /** The item is one of these. A string that is no UUID is the id of no item. */
  readonly ids?: readonly string[];
  readonly classNames?: readonly string[];
  readonly createdAfter?: Date;
  readonly createdBefore?: Date;
  /** The item's metadata contains this object (jsonb containment). */
  readonly metadata?: { readonly [key: string]: unknown };
  /**
   * The item has a pair, whose bucket for this seed is `least` or higher: a training with this seed does not hold it out.
   * Not in the API.
   */
  readonly pairBucket?: { readonly seed: number; readonly least: number };
  readonly and?: readonly ItemFilter[];
  readonly or?: readonly ItemFilter[];
  readonly not?: ItemFilter;
}

/** All class names in a filter. The caller refuses unknown ones, which would match no item. */
export function classNamesIn(filter: ItemFilter): string[] {
  return [
    ...(filter.classNames ?? []),
    ...(filter.and ?? []).flatMap(classNamesIn),
    ...(filter.or ?? []).flatMap(classNamesIn),
    ...(filter.not ? classNamesIn(filter.not) : []),
  ];
}

/** Number of ids in a filter, including nested ones. */
export function filterIds(filter: ItemFilter): number {
  const nested = [...(filter.and ?? []), ...(filter.or ?? []), ...(filter.not ? [filter.not] : [])];
  return (filter.ids?.length ?? 0) + nested.reduce((n, f) => n + filterIds(f), 0);
}

/** Number of terms in a filter, including nested ones: a measure of its cost. A list of ids is one term. */
export function filterTerms(filter: ItemFilter): number {
  const nested = [...(filter.and ?? []), ...(filter.or ?? []), ...(filter.not ? [filter.not] : [])];
  return (
    Object.keys(filter).length +
    (filter.classNames?.length ?? 0) +
    nested.reduce((n, f) => n + filterTerms(f), 0)
  );
}
