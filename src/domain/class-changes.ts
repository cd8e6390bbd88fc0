import type { JsonObject } from './json.js';

/** What the records of encoders say of classes after a class was renamed, merged or deleted. */

export interface NamedClass {
  readonly id: string;
  readonly name: string;
}

/** Classes that another one replaces: the same one under its new name, the one they are merged into, or none. */
export interface ClassChange {
  readonly from: readonly NamedClass[];
  readonly into: NamedClass | null;
}

/**
 * The configuration of a trained encoder after a change. A merged class is seen if one of its parts was: training pairs of the
 * part carry its label now, so it must not be measured as unseen. The order of `seenClassIds` stays, because the encoder's
 * classifier numbers classes by it; ids of deleted classes stay in it.
 */
export function encoderConfigAfter(config: JsonObject, change: ClassChange): JsonObject {
  const { from, into } = change;
  const seenIds = strings(config.seenClassIds);
  const unseen = strings(config.unseen);
  const wasSeen = [...from, ...(into === null ? [] : [into])].some(({ id }) => seenIds.includes(id));
  const fromIds: ReadonlySet<string> = new Set(from.map(({ id }) => id));
  const first = seenIds.findIndex((id) => fromIds.has(id));
  const takesOver = into !== null && first >= 0 && !seenIds.includes(into.id);
  const names = renamed(unseen, change);
  return {
    ...config,
    ...(takesOver && { seenClassIds: seenIds.with(first, into.id) }),
    ...(config.unseen !== undefined && {
      unseen: wasSeen ? names.filter((name) => name !== into?.name) : names,
    }),
    ...filterAfter(config, change),
  };
}

/** The request of a training after a change. */
export function encoderRequestAfter(request: JsonObject, change: ClassChange): JsonObject {
  return {
    ...request,
    ...(request.unseen !== undefined && { unseen: renamed(strings(request.unseen), change) }),
    ...filterAfter(request, change),
  };
}

function filterAfter({ learnFrom }: JsonObject, change: ClassChange): JsonObject {
  return isObject(learnFrom) ? { learnFrom: inFilter(learnFrom, change) } : {};
}

/** An `ItemFilter` as it is stored. */
function inFilter(filter: JsonObject, change: ClassChange): JsonObject {
  const entries = Object.entries(filter).map(([key, value]) => {
    if (key === 'classNames') return [key, renamed(strings(value), change)];
    if (key === 'not' && isObject(value)) return [key, inFilter(value, change)];
    if ((key === 'and' || key === 'or') && Array.isArray(value)) {
      return [key, value.filter(isObject).map((part) => inFilter(part, change))];
    }
    return [key, value];
  });
  return Object.fromEntries(entries) as JsonObject;
}

function renamed(names: readonly string[], { from, into }: ClassChange): string[] {
  const replaced = names.flatMap((name) => {
    if (!from.some((one) => one.name === name)) return [name];
    return into === null ? [] : [into.name];
  });
  return [...new Set(replaced)];
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
