import { LRUCache } from 'lru-cache';
import type { Catalog } from '../../catalog/catalog.js';
import type { EncoderRow, TrainedEncoderRow } from '../../catalog/types.js';
import type { EmbeddedItem, SampleGroup } from '../../catalog/vectors/query-samples.js';
import { type Advice, adviceOf } from '../../evaluation/drift/advice.js';
import { healthInThread } from '../../evaluation/drift/health-in-thread.js';
import type { DriftInput, EmbeddedSide, HealthFigures } from '../../evaluation/drift/measure-drift.js';
import { outsideRequest } from '../../platform/request-work.js';
import { sampleReferences, trainingItems } from './reference-samples.js';

/** A measurement is kept for this time. */
const KEEP_MS = 60_000;
/** Metrics show one that is not older than this, and begin a new one. */
const METRICS_KEEP_MS = 10 * 60_000;
/** Encoders whose measurement is kept. */
const MOST_KEPT = 20;
const DAY_MS = 24 * 3_600_000;
/** Older queries do not count. */
const QUERIES_KEPT_MS = 30 * DAY_MS;
/** The similarities of the training set are measured again after this time, because the catalogue grows. */
const REFERENCES_KEPT_MS = 7 * DAY_MS;
/** Queries of a direction that are too few to compare. */
const LEAST_QUERIES = 100;

/** How an encoder fits what it is used for. */
export interface EncoderHealth extends HealthFigures, Advice {
  readonly measuredAt: Date;
  /** The number of queries that were sampled in the last 30 days. */
  readonly sampledQueries: number;
  /** Share of the items that were stored after the training; null if that is not known. */
  readonly newItems: number | null;
}

interface Measurement {
  readonly health: Promise<EncoderHealth>;
  readonly at: number;
  /** Once it is known. */
  done: EncoderHealth | null;
}

type Parts = Pick<Catalog, 'querySamples' | 'ranking'>;

/** Measures the health of encoders, from samples of their queries and of their training sets. Nothing of one encoder is compared with another's. */
export class EncoderHealthService {
  private readonly kept = new LRUCache<string, Measurement>({ max: MOST_KEPT });
  private readonly stopping = new AbortController();

  constructor(private readonly catalog: Parts) {}

  /** Null before the encoder is trained. At most a minute old. */
  async of(row: EncoderRow): Promise<EncoderHealth | null> {
    return isTrained(row) ? await this.measured(row, KEEP_MS).health : null;
  }

  /** The latest measurement of this process, for metrics; null before the first. Begins a new one if it is old. */
  latest(row: EncoderRow): EncoderHealth | null {
    if (!isTrained(row)) return null;
    const before = this.kept.get(row.id)?.done ?? null;
    const now = this.measured(row, METRICS_KEEP_MS);
    // Its errors are those of the database, which the reading of other metrics shows.
    now.health.catch(() => {});
    return now.done ?? before;
  }

  /** Ends what is under way. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.allSettled([...this.kept.values()].map(({ health }) => health));
  }

  private measured(row: TrainedEncoderRow, keepMs: number): Measurement {
    const known = this.kept.get(row.id);
    if (known !== undefined && performance.now() - known.at < keepMs) return known;
    // Others wait for it too, and it may take longer than a request.
    const health = outsideRequest(() => this.measure(row));
    const measurement: Measurement = { health, at: performance.now(), done: null };
    this.kept.set(row.id, measurement);
    health.then(
      (done) => {
        measurement.done = done;
      },
      () => {
        if (this.kept.get(row.id) === measurement) this.kept.delete(row.id);
      },
    );
    return measurement;
  }

  private async measure(row: TrainedEncoderRow): Promise<EncoderHealth> {
    const groups = await this.groups(row);
    const live = groups.filter(({ reference }) => !reference);
    const directions = live.flatMap((group): DriftInput[] => {
      const reference = referenceOf(groups, group);
      if (group.similarities.length < LEAST_QUERIES || reference === undefined) return [];
      return [
        {
          query: group.query,
          target: group.target,
          live: group,
          reference,
          threshold: thresholdOf(row, group),
        },
      ];
    });
    const images = await trainingItems(this.catalog, row, 'IMAGE');
    const texts = await trainingItems(this.catalog, row, 'TEXT');
    const sides = sidesOf(images, texts, row.dimension);
    const figures = await healthInThread({ ...sides, directions }, this.stopping.signal);
    const newItems = await this.newItems(row);
    return {
      ...figures,
      ...adviceOf(figures.queries, newItems),
      newItems,
      sampledQueries: live.reduce((sum, { similarities }) => sum + similarities.length, 0),
      measuredAt: new Date(),
    };
  }

  /** The samples, with those of the training set for each direction that has enough queries. */
  private async groups(row: TrainedEncoderRow): Promise<SampleGroup[]> {
    const since = new Date(Date.now() - QUERIES_KEPT_MS);
    const groups = await this.catalog.querySamples.read(row.id, since);
    const lacking = groups.filter((group) => {
      if (group.reference || group.similarities.length < LEAST_QUERIES) return false;
      const reference = referenceOf(groups, group);
      return reference === undefined || reference.since.getTime() < Date.now() - REFERENCES_KEPT_MS;
    });
    if (lacking.length === 0) return groups;
    for (const direction of lacking) {
      this.stopping.signal.throwIfAborted();
      await sampleReferences(this.catalog, row, direction);
    }
    return await this.catalog.querySamples.read(row.id, since);
  }

  private async newItems({ config }: TrainedEncoderRow): Promise<number | null> {
    if (config.sourceReadAt === undefined) return null;
    const { all, newer } = await this.catalog.querySamples.newItems(new Date(config.sourceReadAt));
    return all === 0 ? null : newer / all;
  }
}

function isTrained(row: EncoderRow): row is TrainedEncoderRow {
  return row.dimension !== null && ['ready', 'active', 'retired'].includes(row.state);
}

function referenceOf(
  groups: readonly SampleGroup[],
  { query, target }: SampleGroup,
): SampleGroup | undefined {
  return groups.find((one) => one.reference && one.query === query && one.target === target);
}

function thresholdOf({ config }: TrainedEncoderRow, { query, target }: SampleGroup): number | null {
  const found = config.cutOffs?.find(
    (one) => one.evidence === 'CONTENT' && one.query === query && one.target === target,
  );
  return found?.threshold ?? null;
}

/** Pairs get numbers that both modalities share. */
function sidesOf(images: readonly EmbeddedItem[], texts: readonly EmbeddedItem[], dimension: number) {
  const numbers = new Map<string, number>();
  const numberOf = (pairId: string | null) => {
    if (pairId === null) return -1;
    const number = numbers.get(pairId) ?? numbers.size;
    numbers.set(pairId, number);
    return number;
  };
  const side = (items: readonly EmbeddedItem[]): EmbeddedSide => {
    const data = new Float32Array(items.length * dimension);
    items.forEach(({ vector }, row) => {
      data.set(vector, row * dimension);
    });
    return {
      embeddings: { data, rows: items.length, columns: dimension },
      pairs: Int32Array.from(items, ({ pairId }) => numberOf(pairId)),
    };
  };
  return { images: side(images), texts: side(texts) };
}
