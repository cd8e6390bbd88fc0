import type { Modality } from './modality.js';

/** Which items count. All fields given must hold; `classNames` holds if an item has any of them. */
export interface ItemFilter {
  readonly modality?: Modality;
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

/** Every class name a filter mentions, so that an unknown one can be refused instead of silently matching nothing. */
export function classNamesIn(filter: ItemFilter): string[] {
  return [
    ...(filter.classNames ?? []),
    ...(filter.and ?? []).flatMap(classNamesIn),
    ...(filter.or ?? []).flatMap(classNamesIn),
    ...(filter.not ? classNamesIn(filter.not) : []),
  ];
}

/** How many terms a filter has, nested ones included: a measure of what it costs. */
export function filterTerms(filter: ItemFilter): number {
  const nested = [...(filter.and ?? []), ...(filter.or ?? []), ...(filter.not ? [filter.not] : [])];
  return (
    Object.keys(filter).length +
    (filter.classNames?.length ?? 0) +
    nested.reduce((n, f) => n + filterTerms(f), 0)
  );
}
