import { setImmediate } from 'node:timers/promises';
import type { Catalog } from '../catalog/catalog.js';
import type { ClassRow } from '../catalog/types.js';
import { checkLabel, checkPageSize, checkText } from '../domain/check.js';
import { decodeCursor, encodeCursor, fingerprint } from '../domain/cursor.js';
import { CommonspaceError } from '../domain/errors.js';
import { LIMITS } from '../domain/limits.js';
import type { Modality } from '../domain/modality.js';
import { dot } from '../domain/vectors.js';
import type { FeatureExtractors } from '../features/types.js';
import { type ActiveEncoder, type LoadedEncoder, noEncoder } from './active-encoder.js';
import { classProbabilities, classPrototype } from './class-prototype.js';
import type { ClassTable } from './classification-figures.js';
import type { FilterCheck } from './filter-check.js';
import { isUuid } from './item-service.js';
import type { QueryReader, SearchQuery } from './query-reader.js';
import { gather } from './source-set.js';

export interface ClassPage {
  readonly classes: readonly { readonly row: ClassRow; readonly cursor: string }[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  readonly totalCount: number;
}

export interface ClassifiedAs {
  readonly class: ClassRow;
  readonly probability: number;
  readonly similarity: number;
}

/** Classes: listed, made by name alone, and what a query is classified into. */
export class ClassService {
  /** Of the active encoder alone. */
  private named = { encoderId: '', byClass: new Map<string, Float32Array>() };

  constructor(
    private readonly catalog: Catalog,
    private readonly features: FeatureExtractors,
    private readonly encoders: ActiveEncoder,
    private readonly queries: QueryReader,
    private readonly filters: FilterCheck,
  ) {}

  /** Classes by name. `seen` tells apart those that the active encoder saw; before any training none is seen. */
  async page(
    search: string | null,
    seen: boolean | null,
    first: number,
    after: string | null,
  ): Promise<ClassPage> {
    checkPageSize(first, LIMITS.classPageSize);
    const print = fingerprint({ classes: search, seen });
    const afterName = after === null ? null : decodeName(decodeCursor(after, print));
    const seenIds = seen === null ? null : [...(await this.seenIds())];
    const filter = { search, seen, seenIds: seenIds ?? [] };
    const [rows, totalCount] = await Promise.all([
      this.catalog.classes.page({ ...filter, afterName, limit: first + 1 }),
      this.catalog.classes.count(filter),
    ]);
    return {
      classes: rows
        .slice(0, first)
        .map((row) => ({ row, cursor: encodeCursor(print, encodeName(row.name)) })),
      hasNextPage: rows.length > first,
      hasPreviousPage: afterName !== null,
      totalCount,
    };
  }

  async byId(id: string): Promise<ClassRow | null> {
    return isUuid(id) ? await this.catalog.classes.byId(id) : null;
  }

  itemCounts(ids: readonly string[], modality: Modality | null): Promise<ReadonlyMap<string, number>> {
    return this.catalog.classes.itemCounts(ids, modality);
  }

  /** Ids of the classes that the active encoder's source set had. */
  async seenIds(): Promise<ReadonlySet<string>> {
    const row = await this.catalog.encoders.active();
    const ids = row?.config.seenClassIds;
    return new Set(Array.isArray(ids) ? ids.filter((id): id is string => typeof id === 'string') : []);
  }

  /** @throws CommonspaceError CLASS_EXISTS, BAD_INPUT or TEXT_TOO_LONG. */
  async create(name: string, description: string | null): Promise<ClassRow> {
    checkLabel(name, LIMITS.classNameCharacters, ['name']);
    if (description !== null) checkText(description, LIMITS.classDescriptionCharacters, ['description']);
    const row = await this.catalog.classes.create(name.trim(), description);
    await this.ensureFeatures([row]);
    return row;
  }

  /** Which classes a query belongs to, best first: a softmax over its similarities to their prototypes. */
  async classify(
    query: SearchQuery,
    among: readonly string[] | null,
    first: number,
    signal?: AbortSignal,
  ): Promise<ClassifiedAs[]> {
    checkPageSize(first, LIMITS.searchPageSize);
    if (among !== null && among.length === 0) {
      throw new CommonspaceError('BAD_INPUT', 'Name at least one class, or leave `among` out.', ['among']);
    }
    const active = await this.encoders.require('Classification compares in the common space.');
    if (among !== null) await this.filters.classesExist(among, ['among']);
    const { embedding } = await this.queries.read(query, active, signal);
    if (embedding === null) throw noEncoder('The query has no embedding of the active encoder.');
    const rows = await (among === null ? this.catalog.classes.all() : this.catalog.classes.byNames(among));
    const prototypes = await this.prototypes(rows, active);
    const similarities = prototypes.map((prototype) => dot(embedding, prototype));
    const probabilities = classProbabilities(similarities);
    return rows
      .map((row, i) => ({ class: row, probability: probabilities[i] ?? 0, similarity: similarities[i] ?? 0 }))
      .sort((a, b) => b.similarity - a.similarity || (a.class.name < b.class.name ? -1 : 1))
      .slice(0, first);
  }

  /** Text features of names and descriptions, extracted where missing; a class embedding comes from them. */
  async ensureFeatures(rows: readonly ClassRow[], signal?: AbortSignal): Promise<Map<string, Float32Array>> {
    const extractor = this.features.text.id;
    const known = await this.catalog.classes.features(
      rows.map((row) => row.id),
      extractor,
    );
    const missing = rows.filter((row) => !known.has(row.id));
    if (missing.length === 0) return known;
    const features = await this.features.extractTexts(missing.map(describe), signal);
    const made = new Map(missing.flatMap((row, i) => (features[i] ? [[row.id, features[i]] as const] : [])));
    await this.catalog.classes.setFeatures(extractor, made);
    return new Map([...known, ...made]);
  }

  /** Every class with its text feature, for what is measured of all of them. */
  async classTable(): Promise<ClassTable> {
    const rows = await this.catalog.classes.all();
    const features = await this.ensureFeatures(rows);
    return {
      ids: rows.map((row) => row.id),
      features: gather(rows.map((row) => features.get(row.id))),
    };
  }

  /** One unit vector for each class; see classPrototype. */
  private async prototypes(rows: readonly ClassRow[], active: LoadedEncoder): Promise<Float32Array[]> {
    const [features, means] = await Promise.all([
      this.ensureFeatures(rows),
      this.catalog.vectors.classMeans(
        active.row.id,
        rows.map((row) => row.id),
      ),
    ]);
    const names = await this.nameEmbeddings(features, active);
    return rows.map((row) => classPrototype(names.get(row.id), means.get(row.id), active.row.dimension));
  }

  /** Embeddings of class features. An encoder never changes, nor does what a class is called: they are worked out once. */
  private async nameEmbeddings(
    features: ReadonlyMap<string, Float32Array>,
    active: LoadedEncoder,
  ): Promise<ReadonlyMap<string, Float32Array>> {
    if (!this.encoders.understands(active, 'TEXT')) return new Map();
    if (this.named.encoderId !== active.row.id) this.named = { encoderId: active.row.id, byClass: new Map() };
    const { byClass } = this.named;
    let worked = 0;
    for (const [id, feature] of features) {
      if (byClass.has(id)) continue;
      // Many classes take a while: others get their turn between.
      if (worked++ % 16 === 15) await setImmediate();
      byClass.set(id, active.encoder.embed('TEXT', feature));
    }
    return byClass;
  }
}

/** What the text extractor reads of a class. */
export function describe(row: Pick<ClassRow, 'name' | 'description'>): string {
  const name = row.name.replaceAll(/[-_]+/g, ' ');
  return row.description === null ? name : `${name}: ${row.description}`;
}

// A name may hold the colon that separates a cursor's parts.
const encodeName = (name: string): string => Buffer.from(name).toString('base64url');
const decodeName = (position: string): string => Buffer.from(position, 'base64url').toString('utf8');
