import type { Catalog } from '../../catalog/catalog.js';
import type { ClassRow, EncoderRow } from '../../catalog/types.js';
import { checkLabel, checkPageSize, checkStorable, checkText, isStorable } from '../../domain/check.js';
import { badCursor, decodeCursor, encodeCursor, fingerprint } from '../../domain/cursor.js';
import { CommonspaceError } from '../../domain/errors.js';
import type { RequestScope } from '../../domain/fetch-budget.js';
import { isUuid } from '../../domain/ids.js';
import { LIMITS } from '../../domain/limits.js';
import type { Modality } from '../../domain/modality.js';
import { dot } from '../../domain/vectors.js';
import { classProbabilities } from '../../evaluation/class-prototype.js';
import { type ActiveEncoder, noEncoder } from '../serving/active-encoder.js';
import type { ClassPrototypes } from '../serving/class-prototypes.js';
import type { ClassStatistics } from '../serving/class-statistics.js';
import type { FilterCheck } from './filter-check.js';
import type { QueryReader, SearchQuery } from './query-reader.js';

export interface ClassPage {
  readonly classes: readonly { readonly row: ClassRow; readonly cursor: string }[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  /** Of the classes on all pages. */
  readonly count: () => Promise<number>;
}

export interface ClassifiedAs {
  readonly class: ClassRow;
  readonly probability: number;
  readonly similarity: number;
}

/** Lists and creates classes, and classifies queries. */
export class ClassService {
  constructor(
    private readonly parts: {
      readonly catalog: Catalog;
      readonly encoders: ActiveEncoder;
      readonly prototypes: ClassPrototypes;
      readonly statistics: ClassStatistics;
    },
    private readonly queries: QueryReader,
    private readonly filters: FilterCheck,
  ) {}

  /** Classes by name. `seen` selects those that the active encoder saw in training; before any training none is seen. */
  async page(
    search: string | null,
    seen: boolean | null,
    first: number,
    after: string | null,
  ): Promise<ClassPage> {
    checkPageSize(first, LIMITS.classPageSize);
    if (search !== null) checkStorable(search, ['search']);
    const print = fingerprint({ classes: search, seen });
    const afterName = after === null ? null : decodeName(decodeCursor(after, print));
    const seenIds = seen === null ? null : [...(await this.seenIds())];
    const filter = { search, seen, seenIds: seenIds ?? [] };
    const rows = await this.parts.catalog.classes.page({ ...filter, afterName, limit: first + 1 });
    return {
      classes: rows
        .slice(0, first)
        .map((row) => ({ row, cursor: encodeCursor(print, encodeName(row.name)) })),
      hasNextPage: rows.length > first,
      hasPreviousPage: afterName !== null,
      count: () => this.parts.catalog.classes.count(filter),
    };
  }

  async byId(id: string): Promise<ClassRow | null> {
    return isUuid(id) ? await this.parts.catalog.classes.byId(id) : null;
  }

  /** The classes of these ids, of those that exist, in no order. */
  async byIds(ids: readonly string[]): Promise<readonly ClassRow[]> {
    const valid = ids.filter(isUuid);
    return valid.length === 0 ? [] : await this.parts.catalog.classes.byIds(valid);
  }

  /** The number of items (of a modality) of each class; an entry for every given id. */
  async itemCounts(ids: readonly string[], modality: Modality | null): Promise<ReadonlyMap<string, number>> {
    const counts = await this.parts.statistics.itemCounts(modality);
    return new Map(ids.map((id) => [id, counts.get(id) ?? 0]));
  }

  /** Ids of the classes in the active encoder's source set. */
  async seenIds(): Promise<ReadonlySet<string>> {
    const row = await this.parts.catalog.encoders.active();
    return row === null ? new Set() : seenClassIds(row);
  }

  /** @throws CommonspaceError CLASS_EXISTS, BAD_INPUT or TEXT_TOO_LONG. */
  async create(name: string, description: string | null): Promise<ClassRow> {
    checkLabel(name, LIMITS.classNameCharacters, ['name']);
    if (description !== null) checkText(description, LIMITS.classDescriptionCharacters, ['description']);
    const row = await this.parts.catalog.classes.create(name.trim(), description);
    await this.parts.prototypes.knownFeatures([row], await this.parts.catalog.encoders.active());
    return row;
  }

  /** The classes of a query, the most probable first; see classProbabilities. */
  async classify(
    query: SearchQuery,
    among: readonly string[] | null,
    first: number,
    scope: RequestScope = {},
  ): Promise<ClassifiedAs[]> {
    checkPageSize(first, LIMITS.searchPageSize);
    if (among !== null && among.length === 0) {
      throw new CommonspaceError('BAD_INPUT', 'Name at least one class, or leave `among` out.', ['among']);
    }
    if (among !== null) await this.filters.classesExist(among, ['among']);
    const active = await this.parts.encoders.require('Classification compares in the common space.');
    const { embedding } = await this.queries.read(query, active, scope);
    if (embedding === null) throw noEncoder('The query has no embedding of the active encoder.');
    const rows = await (among === null
      ? this.parts.statistics.classes()
      : this.parts.catalog.classes.byNames(among));
    const prototypes = await this.parts.prototypes.of(rows, active);
    const seen = seenClassIds(active.row);
    const candidates = prototypes.map(({ vector, items }, i) => ({
      similarity: dot(embedding, vector),
      seen: seen.has(rows[i]?.id ?? ''),
      items,
    }));
    const probabilities = classProbabilities(candidates);
    return rows
      .map((row, i) => ({
        class: row,
        probability: probabilities[i] ?? 0,
        similarity: candidates[i]?.similarity ?? 0,
      }))
      .sort((a, b) => b.probability - a.probability || (a.class.name < b.class.name ? -1 : 1))
      .slice(0, first);
  }
}

function seenClassIds({ config }: Pick<EncoderRow, 'config'>): ReadonlySet<string> {
  const ids = config.seenClassIds;
  return new Set(Array.isArray(ids) ? ids.filter((id): id is string => typeof id === 'string') : []);
}

// A name may contain the colon that separates a cursor's parts.
const encodeName = (name: string): string => Buffer.from(name).toString('base64url');

/** @throws CommonspaceError BAD_CURSOR for a name that no class can have. */
function decodeName(position: string): string {
  const name = Buffer.from(position, 'base64url').toString('utf8');
  if (!isStorable(name)) throw badCursor();
  return name;
}
