/**
 * What a catalogue of texts should do, in the simplest form: a map of items, changed by one operation after another. Tests compare
 * concurrent calls of the real services with it.
 */

/** An item of the model. */
export interface ModelItem {
  readonly id: string;
  readonly externalId: string | null;
  readonly text: string;
  readonly title: string | null;
  /** In alphabetical order. */
  readonly classes: readonly string[];
  readonly pairKey: string | null;
}

/** By id. */
export type ModelState = ReadonlyMap<string, ModelItem>;

/** An operation on one item. A call can have several; the catalogue may do them in any order. */
export type ModelOperation =
  | {
      readonly kind: 'ingest';
      readonly externalId: string | null;
      readonly text: string;
      readonly title?: string;
      readonly classes?: readonly string[];
      readonly pairKey?: string;
    }
  | {
      readonly kind: 'update';
      readonly target: { readonly id: string } | { readonly externalId: string };
      readonly title?: string | null;
      readonly classes?: readonly string[];
      readonly addClasses?: readonly string[];
      readonly removeClasses?: readonly string[];
      readonly pairKey?: string | null;
    }
  | { readonly kind: 'delete'; readonly id: string };

/** What the catalogue answered: a status with the id of the item, or the code of an error. */
export type ModelAnswer =
  | { readonly status: 'CREATED' | 'UPDATED' | 'UNCHANGED' | 'DELETED'; readonly id: string }
  | { readonly status: string; readonly id: null };

/** An operation with its answer. */
export interface Answered {
  readonly operation: ModelOperation;
  readonly answer: ModelAnswer;
}

/** The state after an operation; null if the catalogue could not have answered so. */
function apply(state: ModelState, { operation, answer }: Answered): ModelState | null {
  // Too many writers of the same item: nothing was done.
  if (answer.status === 'BUSY') return state;
  switch (operation.kind) {
    case 'ingest':
      return ingest(state, operation, answer);
    case 'update':
      return update(state, operation, answer);
    case 'delete': {
      if (!state.has(operation.id)) return answer.status === 'ITEM_NOT_FOUND' ? state : null;
      if (answer.status !== 'DELETED') return null;
      const rest = new Map(state);
      rest.delete(operation.id);
      return rest;
    }
  }
}

/** Whether the operations, in some order, lead from one state to the other with these answers. */
export function explains(before: ModelState, operations: readonly Answered[], after: ModelState): boolean {
  if (operations.length === 0) return isSame(before, after);
  return operations.some((one, i) => {
    const next = apply(before, one);
    return next !== null && explains(next, operations.toSpliced(i, 1), after);
  });
}

type OperationOf<Kind> = Extract<ModelOperation, { kind: Kind }>;

function ingest(state: ModelState, operation: OperationOf<'ingest'>, answer: ModelAnswer): ModelState | null {
  const { externalId, text, title, classes, pairKey } = operation;
  const found = [...state.values()].find((item) =>
    externalId !== null
      ? item.externalId === externalId
      : item.externalId === null && item.text === text && item.pairKey === (pairKey ?? null),
  );
  if (found === undefined) {
    if (answer.status !== 'CREATED' || answer.id === null || state.has(answer.id)) return null;
    const item = { id: answer.id, externalId, text, title: title ?? null, classes: sorted(classes ?? []) };
    return new Map(state).set(answer.id, { ...item, pairKey: pairKey ?? null });
  }
  // The content is the identity of an item without external id, so nothing else of it changes.
  if (externalId === null) return answer.status === 'UNCHANGED' && answer.id === found.id ? state : null;
  return changed(state, found, answer, {
    ...found,
    text,
    title: title ?? found.title,
    classes: classes === undefined ? found.classes : sorted(classes),
    pairKey: pairKey ?? found.pairKey,
  });
}

function update(state: ModelState, operation: OperationOf<'update'>, answer: ModelAnswer): ModelState | null {
  const { target, title, classes, addClasses = [], removeClasses = [], pairKey } = operation;
  const found =
    'id' in target
      ? state.get(target.id)
      : [...state.values()].find(({ externalId }) => externalId === target.externalId);
  if (found === undefined) return answer.status === 'ITEM_NOT_FOUND' ? state : null;
  const kept = found.classes.filter((name) => !removeClasses.includes(name));
  const next = {
    ...found,
    title: title === undefined ? found.title : title,
    classes: sorted(classes ?? [...kept, ...addClasses]),
    pairKey: pairKey === undefined ? found.pairKey : pairKey,
  };
  const twin = [...state.values()].some(
    ({ id, externalId, text, pairKey: pair }) =>
      id !== found.id && externalId === null && text === found.text && pair === next.pairKey,
  );
  if (found.externalId === null && twin) return answer.status === 'ITEM_EXISTS' ? state : null;
  return changed(state, found, answer, next);
}

function changed(
  state: ModelState,
  found: ModelItem,
  { status, id }: ModelAnswer,
  next: ModelItem,
): ModelState | null {
  const expected = isSameItem(found, next) ? 'UNCHANGED' : 'UPDATED';
  return status === expected && id === found.id ? new Map(state).set(found.id, next) : null;
}

function isSame(one: ModelState, other: ModelState): boolean {
  return one.size === other.size && [...one.values()].every((item) => isSameItem(item, other.get(item.id)));
}

function isSameItem(one: ModelItem, other: ModelItem | undefined): boolean {
  return (
    other !== undefined &&
    one.text === other.text &&
    one.title === other.title &&
    one.pairKey === other.pairKey &&
    one.classes.join('\n') === other.classes.join('\n')
  );
}

function sorted(names: readonly string[]): string[] {
  return [...new Set(names)].sort();
}
