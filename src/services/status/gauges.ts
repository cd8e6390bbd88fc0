import type { Catalog } from '../../catalog/catalog.js';
import type { EncoderRow } from '../../catalog/types.js';
import { figuresOf } from '../../domain/evaluation-record.js';
import type { FeatureExtractors, QueueLength } from '../../features/types.js';
import { decodersWaiting } from '../../media/decode.js';
import { pictureMemory } from '../../media/picture-memory.js';
import type { EncoderHealth, EncoderHealthService } from '../drift/encoder-health.js';
import { storedEvaluation } from '../encoders/stored-evaluation.js';
import type { IndexUpkeep } from '../serving/index-upkeep.js';

/** What is read from the database is kept for this time, because counting takes long in a large catalogue. */
const KEEP_MS = 60_000;

/** The state of the server and the catalogue, for metrics. */
export interface Gauges {
  readonly pool: { readonly total: number; readonly idle: number; readonly waiting: number };
  /** As the latest check of each has found it. */
  readonly replicas: readonly ReplicaGauges[];
  readonly extractors: { readonly queries: QueueLength; readonly batches: QueueLength };
  /** Callers that wait to decode a picture, and for memory for one. */
  readonly waiting: { readonly decode: number; readonly pictureMemory: number };
  /** Null while the database does not answer. */
  readonly catalogue: CatalogueGauges | null;
}

interface ReplicaGauges {
  /** Host and port. */
  readonly name: string;
  readonly used: boolean;
  /** Null where it is not known: the replica does not answer, or is none of this primary. */
  readonly lagSeconds: number | null;
}

export interface CatalogueGauges {
  readonly items: Readonly<Record<'IMAGE' | 'TEXT', number>>;
  /** Vector indexes. */
  readonly indexes: { readonly missing: number; readonly building: number };
  /** The number of encoders by state. */
  readonly encoders: Readonly<Record<string, number>>;
  /** Jobs, with trainings and evaluations. */
  readonly jobs: readonly { readonly kind: string; readonly state: string; readonly count: number }[];
  /** Null before the first is active. */
  readonly active: ActiveGauges | null;
}

interface ActiveGauges {
  /** Milliseconds since 1970. */
  readonly activatedAt: number | null;
  /** map@all on held-out pairs, mean of both directions; null where it was not measured. */
  readonly seen: number | null;
  readonly unseen: number | null;
  /** Of a few minutes ago; null before the first measurement. */
  readonly health: EncoderHealth | null;
}

export class GaugeReader {
  private catalogue: { readonly gauges: Promise<CatalogueGauges>; readonly until: number } | null = null;

  constructor(
    private readonly catalog: Catalog,
    private readonly features: Pick<FeatureExtractors, 'queues'>,
    private readonly indexes: Pick<IndexUpkeep, 'state'>,
    private readonly health: Pick<EncoderHealthService, 'latest'>,
  ) {}

  async read(): Promise<Gauges> {
    const { totalCount, idleCount, waitingCount } = this.catalog.database.pool;
    return {
      pool: { total: totalCount, idle: idleCount, waiting: waitingCount },
      replicas: (this.catalog.database.replicas?.reports ?? []).map(({ name, state }) => ({
        name,
        used: state.kind === 'usable',
        lagSeconds: 'lagMs' in state ? state.lagMs / 1000 : null,
      })),
      extractors: this.features.queues(),
      waiting: { decode: decodersWaiting(), pictureMemory: pictureMemory.waiting },
      catalogue: await this.readCatalogue(),
    };
  }

  private async readCatalogue(): Promise<CatalogueGauges | null> {
    if (this.catalogue === null || this.catalogue.until < Date.now())
      this.catalogue = { gauges: this.count(), until: Date.now() + KEEP_MS };
    return await this.catalogue.gauges.catch(() => {
      this.catalogue = null;
      return null;
    });
  }

  private async count(): Promise<CatalogueGauges> {
    const [items, indexes, rows, jobs] = await Promise.all([
      this.catalog.items.countByModality(),
      this.indexes.state(),
      this.catalog.encoders.list(),
      this.catalog.jobList.counts(),
    ]);
    const encoders: Record<string, number> = {};
    for (const { state } of rows) encoders[state] = (encoders[state] ?? 0) + 1;
    const active = rows.find(({ state }) => state === 'active');
    return {
      items,
      indexes,
      encoders,
      jobs,
      active:
        active === undefined
          ? null
          : {
              activatedAt: active.activatedAt?.getTime() ?? null,
              seen: mapOf(active, 'seen'),
              unseen: mapOf(active, 'unseen'),
              health: this.health.latest(active),
            },
    };
  }
}

/** map@all of the active encoder on held-out pairs, mean of both directions. */
function mapOf(row: EncoderRow, part: 'seen' | 'unseen'): number | null {
  const methods = storedEvaluation(row)?.[part]?.methods;
  return figuresOf(methods, 'masln')?.avg['map@all']?.value ?? null;
}
