import type {
  Evidence,
  GroupKey,
  ItemFilter,
  Modality,
  SearchQueryInput,
} from '../__generated__/operations.js';

/** What one part of a search is: the name of the field of the query that has its value. */
const PART_KINDS = ['text', 'imageUrl', 'mediaId', 'itemId', 'className'] as const;
type PartKind = (typeof PART_KINDS)[number];

/** One part of a search. A part with a negative weight pushes its results down. */
export interface Part {
  readonly kind: PartKind;
  readonly value: string;
  readonly weight: number;
}

export const EVIDENCE: readonly Evidence[] = ['CONTENT', 'COUNTERPART', 'LEXICAL', 'BORROWED'];
export const ORDERS = ['relevance', 'newest', 'oldest'] as const;
type Order = (typeof ORDERS)[number];
export const GROUPS: readonly GroupKey[] = ['CLASS', 'PAIR'];
const MODALITIES: readonly Modality[] = ['IMAGE', 'TEXT'];

/** A value of a key of the metadata, as JSON. */
interface MetadataValue {
  readonly key: string;
  readonly json: string;
}

/** Everything that an address of the search page holds. */
export interface SearchState {
  /** What stands in the box; it counts as a part of weight 1. */
  readonly text: string;
  /** Further parts. */
  readonly parts: readonly Part[];
  readonly target: Modality | null;
  /** Null: all kinds of evidence, fused. */
  readonly evidence: Evidence | null;
  readonly order: Order;
  /** 0 to 1. */
  readonly diversity: number;
  readonly group: GroupKey | null;
  readonly hideDuplicates: boolean;
  /** Results below the cut-off too. */
  readonly all: boolean;
  readonly classes: readonly string[];
  readonly metadata: readonly MetadataValue[];
  /** Days, as 2026-03-01: items stored from `after` on, up to and with `before`. */
  readonly after: string | null;
  readonly before: string | null;
}

export const EMPTY: SearchState = {
  text: '',
  parts: [],
  target: null,
  evidence: null,
  order: 'relevance',
  diversity: 0,
  group: null,
  hideDuplicates: false,
  all: false,
  classes: [],
  metadata: [],
  after: null,
  before: null,
};

/** The state that the query of an address holds. What cannot be read is left out. */
export function readState(query: string): SearchState {
  const given = new URLSearchParams(query);
  return {
    text: given.get('q')?.trim() ?? '',
    parts: given.getAll('p').flatMap((part) => readPart(part) ?? []),
    target: oneOf(MODALITIES, given.get('target')),
    evidence: oneOf(EVIDENCE, given.get('by')),
    order: oneOf(ORDERS, given.get('order')) ?? 'relevance',
    diversity: Math.min(1, Math.max(0, Number(given.get('diversity')) || 0)),
    group: oneOf(GROUPS, given.get('group')),
    hideDuplicates: given.has('hide'),
    all: given.has('all'),
    classes: given.getAll('class'),
    metadata: given.getAll('meta').flatMap((entry) => readMetadata(entry) ?? []),
    after: day(given.get('after')),
    before: day(given.get('before')),
  };
}

/** The query of the address that holds the state; '' for an empty one. */
export function writeState(state: SearchState): string {
  const query = new URLSearchParams();
  if (state.text !== '') query.set('q', state.text);
  for (const { kind, value, weight } of state.parts) query.append('p', `${kind}:${weight}:${value}`);
  if (state.target) query.set('target', state.target);
  if (state.evidence) query.set('by', state.evidence);
  if (state.order !== 'relevance') query.set('order', state.order);
  if (state.diversity > 0) query.set('diversity', String(state.diversity));
  if (state.group) query.set('group', state.group);
  if (state.hideDuplicates) query.set('hide', 'duplicates');
  if (state.all) query.set('all', '1');
  for (const name of state.classes) query.append('class', name);
  for (const { key, json } of state.metadata) query.append('meta', `${encodeURIComponent(key)}:${json}`);
  if (state.after) query.set('after', state.after);
  if (state.before) query.set('before', state.before);
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

/** Whether a part says what to find. Parts with a minus alone do not. */
export function canSearch(state: SearchState): boolean {
  return partsOf(state).some(({ weight }) => weight > 0);
}

/** Whether there is nothing to search for or to avoid, so that all items are listed. */
export function isBrowsing(state: SearchState): boolean {
  return partsOf(state).length === 0;
}

/** The query of the API. */
export function queryOf(state: SearchState): SearchQueryInput {
  const parts = partsOf(state);
  const [only] = parts;
  // One part without a weight: the results are calibrated for it.
  if (parts.length === 1 && only?.weight === 1) return { [only.kind]: only.value } as SearchQueryInput;
  return { all: parts.map(({ kind, value, weight }) => ({ [kind]: value, weight })) };
}

function partsOf({ text, parts }: SearchState): readonly Part[] {
  return text === '' ? parts : [{ kind: 'text', value: text, weight: 1 }, ...parts];
}

/** The filter of the API; null if nothing is filtered. */
export function filterOf(state: SearchState): ItemFilter | null {
  const { classes, metadata, after, before, target } = state;
  const and = metadata.map(({ key, json }) => ({ metadata: { [key]: JSON.parse(json) as unknown } }));
  const filter: ItemFilter = {
    ...(target && !canSearch(state) && { modality: target }),
    ...(classes.length > 0 && { classNames: classes }),
    ...(after && { createdAfter: startOf(after, 0) }),
    ...(before && { createdBefore: startOf(before, 1) }),
    ...(and.length > 0 && { and }),
  };
  return Object.keys(filter).length === 0 ? null : filter;
}

/** Whether results are limited by more than the query. */
export function isFiltered(state: SearchState): boolean {
  return filterOf({ ...state, target: null }) !== null;
}

function readPart(text: string): Part | null {
  const [kind = '', weight = '', ...value] = text.split(':');
  const known = oneOf(PART_KINDS, kind);
  const number = Number(weight);
  if (!known || !Number.isFinite(number) || number === 0 || Math.abs(number) > 10) return null;
  return value.length === 0 ? null : { kind: known, value: value.join(':'), weight: number };
}

function readMetadata(text: string): MetadataValue | null {
  const [key = '', ...json] = text.split(':');
  try {
    JSON.parse(json.join(':'));
    return { key: decodeURIComponent(key), json: json.join(':') };
  } catch {
    return null;
  }
}

function oneOf<T extends string>(known: readonly T[], value: string | null): T | null {
  return known.find((one) => one === value) ?? null;
}

function day(text: string | null): string | null {
  return text !== null && /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)) ? text : null;
}

/** The beginning of a day in the time zone of the browser, some days later. */
function startOf(text: string, days: number): string {
  const date = new Date(`${text}T00:00:00`);
  date.setDate(date.getDate() + days);
  return date.toISOString();
}
