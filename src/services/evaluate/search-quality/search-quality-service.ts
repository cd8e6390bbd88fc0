import pLimit from 'p-limit';
import type { Catalog } from '../../../catalog/catalog.js';
import { throwIfCancelled } from '../../../domain/errors.js';
import { MODALITIES, type Modality } from '../../../domain/modality.js';
import { RESAMPLES } from '../../../evaluation/estimates.js';
import type { OpenTextExtractor } from '../../../features/types.js';
import type { ActiveEncoder, LoadedEncoder } from '../../serving/active-encoder.js';
import type { TextExtractors } from '../../serving/extractors-in-use.js';
import {
  type DrawnQuery,
  drawQueries,
  languageOf,
  type OtherNames,
  pairsOf,
  type QueryCounts,
} from './draw-queries.js';
import { type PreparedQuery, type QueryRanking, rankQuery } from './rank-query.js';
import { type Recaption, type Recaptioned, recaptionSample } from './recaption.js';
import { type Scenario, scenariosFor } from './scenarios.js';
import { ScratchCatalogue } from './scratch-catalogue.js';
import type { SearchQualityRecord } from './search-quality-record.js';
import { readSample, type SourceSample } from './source-sample.js';
import { Tally } from './tally.js';

export interface SearchQualityOptions {
  /** Pairs that are copied and searched. */
  readonly pairs: number;
  readonly queries: QueryCounts;
  readonly seed: number;
  /** Metadata key whose values are styles; see scenariosFor. */
  readonly styleKey: string | null;
  readonly otherNames?: OtherNames;
  /** Gives the copy other captions, e.g. in another language. */
  readonly recaption?: Recaption;
}

export interface RankedQuery {
  readonly query: PreparedQuery;
  readonly target: Modality;
  readonly scenario: string;
  readonly ranking: QueryRanking;
  readonly counterparts: ReadonlySet<string>;
}

export interface SearchQualityHooks {
  readonly onProgress?: ((done: number, all: number, remark: string) => void) | undefined;
  /** Receives every query with all evidence that was collected for it. */
  readonly onRanked?: ((ranked: RankedQuery) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Fewer held-out pairs give no figures. */
const LEAST_HELD_OUT = 5;
/** Searches at the same time: while the database works on one, another is prepared. */
const CONCURRENT = 4;

/**
 * Measures whole searches: the fused default, beside each kind of evidence alone, on a copy of the catalogue. Captions are
 * taken from the copy by scenario, and every query runs through the same plan and the same statements as a search.
 */
export class SearchQualityService {
  constructor(
    private readonly catalog: Catalog,
    private readonly texts: TextExtractors,
    private readonly encoders: ActiveEncoder,
  ) {}

  /**
   * The catalogue is only read. The copy has no vector indexes, so every ranking is exact.
   *
   * @throws CommonspaceError NO_ENCODER, EXTRACTOR_MISSING, CANCELLED
   */
  async measure(
    options: SearchQualityOptions,
    { onProgress, onRanked, signal }: SearchQualityHooks = {},
  ): Promise<SearchQualityRecord> {
    const started = performance.now();
    const active = await this.encoders.require('The measurement of searches needs the common space.');
    const extractor = await this.texts.of(active.row);
    const read = await readSample(this.catalog, active, { most: options.pairs, seed: options.seed, signal });
    const { sample, names } = options.recaption
      ? await recaptionSample(read, extractor, options.recaption)
      : { sample: read, names: undefined };
    const notes: string[] = [];
    const queries = await this.prepare(
      active,
      extractor,
      drawn(sample, { ...options, names }, notes),
      signal,
    );
    const tally = new Tally();
    if (queries.length > 0) {
      const scratch = await ScratchCatalogue.create(
        sample,
        await this.catalog.encoders.weights(active.row.id),
        signal,
      );
      try {
        const run = new Run(scratch, sample, options, tally, { onProgress, onRanked, signal });
        await run.all(queries);
      } finally {
        await scratch.close();
      }
    }
    const ofModality = (modality: Modality) =>
      sample.items.filter(({ row }) => row.modality === modality).length;
    return {
      encoder: active.row.id,
      pairs: new Set(sample.items.map(({ pairId }) => pairId)).size,
      heldOutPairs: sample.heldOut.size,
      images: ofModality('IMAGE'),
      texts: ofModality('TEXT'),
      seed: options.seed,
      resamples: RESAMPLES,
      rows: tally.rows({ seed: options.seed, resamples: RESAMPLES }),
      totals: tally.totals(),
      notes,
      seconds: (performance.now() - started) / 1000,
    };
  }

  /** Extracts the features of all texts in one batch. */
  private async prepare(
    active: LoadedEncoder,
    extractor: OpenTextExtractor,
    queries: readonly DrawnQuery[],
    signal?: AbortSignal,
  ): Promise<PreparedQuery[]> {
    const texts = [...new Set(queries.flatMap(({ text, item }) => (item === null && text ? [text] : [])))];
    const extracted = await extractor.extract(texts, { signal, background: true });
    const features = new Map(texts.map((text, i) => [text, extracted[i]]));
    return queries.flatMap((query): PreparedQuery[] => {
      const feature = query.item?.feature ?? features.get(query.text ?? '');
      if (feature === undefined) return [];
      return [{ ...query, feature, embedding: active.encoder.embed(query.modality, feature) }];
    });
  }
}

function drawn(
  sample: SourceSample,
  { queries, ...options }: SearchQualityOptions & { readonly names: Recaptioned['names'] | undefined },
  notes: string[],
): DrawnQuery[] {
  const { 'held-out': heldOut, ...others } = queries;
  const enough = sample.heldOut.size >= LEAST_HELD_OUT;
  if (heldOut !== undefined && !enough) {
    notes.push(
      `Only ${sample.heldOut.size} pairs were held out of the encoder's training: there are no figures of held-out pairs. Train with --holdout.`,
    );
  }
  const counts = heldOut !== undefined && enough ? { ...others, 'held-out': heldOut } : others;
  const made = drawQueries(sample, counts, options);
  const found = new Set(made.map(({ form }) => form));
  if (made.length > 0) {
    if (!found.has('image'))
      notes.push('No queries by picture: no pair has two pictures, and a picture must not find itself.');
    if (!found.has('name')) notes.push('No queries by name: no item has a title.');
  }
  const { items } = sample;
  const languages = new Set(items.flatMap(({ row }) => (row.modality === 'TEXT' ? [languageOf(row)] : [])));
  return languages.size > 1 ? made : made.map((query) => ({ ...query, language: null }));
}

interface Phase {
  readonly target: Modality;
  readonly scenario: Scenario;
  readonly queries: readonly PreparedQuery[];
}

/** One pass over all scenarios. */
class Run {
  private done = 0;
  /** Class ids of items, and of pairs. */
  private readonly classesOf: ReadonlyMap<string, ReadonlySet<string>>;
  private readonly classesOfPair: ReadonlyMap<string, ReadonlySet<string>>;

  constructor(
    private readonly scratch: ScratchCatalogue,
    private readonly sample: SourceSample,
    private readonly options: Pick<SearchQualityOptions, 'seed' | 'styleKey'>,
    private readonly tally: Tally,
    private readonly hooks: SearchQualityHooks,
  ) {
    this.classesOf = new Map(sample.items.map(({ row, classIds }) => [row.id, classIds]));
    this.classesOfPair = new Map(
      pairsOf(sample.items).map(({ pairId, images, texts }) => [
        pairId,
        new Set([...images, ...texts].flatMap(({ classIds }) => [...classIds])),
      ]),
    );
  }

  /** Texts first. Then the items that are queries are removed, so that they cannot find themselves. */
  async all(queries: readonly PreparedQuery[]): Promise<void> {
    const texts = queries.filter(({ item }) => item === null);
    const items = queries.filter(({ item }) => item !== null);
    // Items of the query's modality are compared themselves, so that counterparts change nothing.
    const asked = (target: Modality, { name }: Scenario, among: readonly PreparedQuery[]) =>
      name === 'all' ? among : among.filter(({ modality }) => modality !== target);
    const phases = (among: readonly PreparedQuery[]) =>
      MODALITIES.flatMap((target) =>
        scenariosFor(target, this.sample.items, this.options)
          .map((scenario): Phase => ({ target, scenario, queries: asked(target, scenario, among) }))
          .filter((phase) => phase.queries.length > 0),
      );
    const [first, second] = [phases(texts), phases(items)];
    const all = [...first, ...second].reduce((sum, phase) => sum + phase.queries.length, 0);
    for (const phase of first) await this.phase(phase, all);
    if (items.length === 0) return;
    const removed = new Set(items.flatMap(({ item }) => (item === null ? [] : [item.row.id])));
    await this.scratch.remove(removed);
    for (const phase of second) await this.phase(phase, all, removed);
  }

  private async phase(
    { target, scenario, queries }: Phase,
    all: number,
    removed: ReadonlySet<string> = new Set(),
  ): Promise<void> {
    const { signal, onProgress, onRanked } = this.hooks;
    const gallery = this.sample.items.filter(({ row }) => row.modality === target && !removed.has(row.id));
    const relevant = new Map(
      pairsOf(gallery).map(({ pairId, images, texts }) => [pairId, [...images, ...texts]]),
    );
    await this.scratch.setCaptioned((item) => scenario.captioned(item), signal);
    const limit = pLimit(CONCURRENT);
    const answers = queries.map((query) =>
      limit(async () => {
        throwIfCancelled(signal);
        const counterparts = new Set(relevant.get(query.pairId)?.map(({ row }) => row.id));
        const ranking =
          counterparts.size === 0
            ? null
            : await rankQuery(this.scratch.catalog, this.sample.active, query, target);
        this.done += 1;
        onProgress?.(this.done, all, `${target} ${scenario.name}`);
        return { query, counterparts, ranking };
      }),
    );
    // Collected in the order of the queries, so that the figures do not depend on which one ends first.
    for (const { query, counterparts, ranking } of await Promise.all(answers)) {
      if (ranking === null) continue;
      const ranked = { query, target, scenario: scenario.name, ranking, counterparts };
      onRanked?.(ranked);
      const classIds = this.classesOfPair.get(query.pairId);
      this.tally.add({ ...ranked, hasSameClass: (id) => shares(classIds, this.classesOf.get(id)) });
    }
  }
}

function shares(a: ReadonlySet<string> = new Set(), b: ReadonlySet<string> = new Set()): boolean {
  return [...b].some((id) => a.has(id));
}
