import type { QueryDirection, QuerySamples } from '../../catalog/vectors/query-samples.js';
import type { VectorRanking } from '../../catalog/vectors/vector-ranking.js';
import type { ReportUnexpected } from '../../domain/errors.js';
import { outsideRequest } from '../../platform/request-work.js';

/** A server samples one query in this time at most. */
const EVERY_MS = 5_000;
/** Samples of each encoder and direction. A new one replaces one at random, so they are from the last thousand or so. */
const SLOTS = 500;

/** A query in the common space of an encoder. */
export interface SampledQuery extends QueryDirection {
  readonly encoderId: string;
  readonly vector: Float32Array;
}

export interface SamplerOptions {
  readonly everyMs?: number;
  /** Uniform over [0, 1). */
  readonly random?: () => number;
}

/** Keeps a sample of the queries that a server answers: where they are in the common space, and how similar their best hit is. */
export class QuerySampler {
  private nextAt = 0;
  private stopped = false;
  private work: Promise<void> = Promise.resolve();

  constructor(
    private readonly catalog: { readonly querySamples: QuerySamples; readonly ranking: VectorRanking },
    private readonly reportUnexpected: ReportUnexpected,
    private readonly options: SamplerOptions = {},
  ) {}

  /** Samples the query, or not. Returns at once: the work, a ranking of one hit and a write, is done after the answer. */
  offer(query: SampledQuery): void {
    const { everyMs = EVERY_MS } = this.options;
    const now = performance.now();
    if (this.stopped || now < this.nextAt) return;
    this.nextAt = now + everyMs;
    this.work = this.work.then(() => outsideRequest(() => this.keep(query))).catch(this.reportUnexpected);
  }

  /** Ends the sampling, after the samples that are under way. */
  async stop(): Promise<void> {
    this.stopped = true;
    await this.work;
  }

  private async keep({ encoderId, query, target, vector }: SampledQuery): Promise<void> {
    const { random = Math.random } = this.options;
    const ranked = await this.catalog.ranking.byEmbedding({
      encoderId,
      vector,
      target,
      filter: null,
      limit: 1,
      offset: 0,
    });
    const [best] = ranked.hits;
    if (best === undefined) return;
    const slot = Math.floor(random() * SLOTS);
    const { similarity } = best;
    await this.catalog.querySamples.put({
      encoderId,
      reference: false,
      query,
      target,
      slot,
      similarity,
      vector,
    });
  }
}
