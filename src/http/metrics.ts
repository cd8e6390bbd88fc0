import type { FastifyInstance } from 'fastify';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { requireScope } from '../domain/access.js';
import { type Observation, onObservation } from '../domain/observations.js';
import { currentRequest } from '../platform/request-work.js';
import type { GaugeReader, Gauges } from '../services/status/gauges.js';
import { callerOf } from './access.js';
import { encoderHealthMetrics } from './health-metrics.js';
import { runningOperation } from './request-work.js';

/** Seconds. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Errors of callers that are refusals; those of work that waits too long are reported where it waits. */
const REFUSALS: Readonly<Record<string, string>> = {
  UNAUTHENTICATED: 'no_key',
  FORBIDDEN: 'scope',
  CROSS_SITE_REQUEST: 'cross_site',
  UNTRUSTED_DOCUMENT: 'untrusted_document',
  QUERY_TOO_DEEP: 'operation_depth',
  QUERY_TOO_COSTLY: 'operation_cost',
};

/** What the HTTP server itself knows. */
interface HttpGauges {
  /** Requests whose body waits for memory. */
  readonly waitingBodies: number;
  readonly streams: number;
}

/** GET /metrics: the state of the server in the text format of Prometheus, for callers with the scope `read`. */
export function registerMetrics(app: FastifyInstance, gauges: GaugeReader, http: () => HttpGauges): void {
  const metrics = createMetrics();
  const ends = onObservation(metrics.note);
  app.addHook('onClose', async () => ends());
  app.addHook('onResponse', async (request, reply) => {
    // The route and not the path, whose values are without number.
    const route = request.routeOptions.url ?? 'none';
    metrics.request(
      { method: request.method, route, status: String(reply.statusCode) },
      reply.elapsedTime / 1000,
    );
  });
  app.get('/metrics', async (request, reply) => {
    requireScope(callerOf(request), 'read');
    metrics.set(await gauges.read(), http());
    return await reply
      .header('cache-control', 'no-store')
      .type(metrics.registry.contentType)
      .send(await metrics.registry.metrics());
  });
}

interface RequestLabels {
  readonly method: string;
  readonly route: string;
  readonly status: string;
}

function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const histogram = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Histogram({
      name: `commonspace_${name}`,
      help,
      labelNames: [...labelNames],
      buckets: BUCKETS,
      registers,
    });
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Counter({ name: `commonspace_${name}`, help, labelNames: [...labelNames], registers });
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Gauge({ name: `commonspace_${name}`, help, labelNames: [...labelNames], registers });

  const requests = histogram('http_request_seconds', 'Duration of requests.', ['method', 'route', 'status']);
  const fields = histogram('operation_seconds', 'Duration of root fields of GraphQL operations.', ['field']);
  const stages = histogram(
    'stage_seconds',
    'Duration of stages: fetch, decode, extract, encode, sql, rank. The operation is its root field.',
    ['stage', 'operation'],
  );
  const errors = counter('errors_total', 'Errors that callers received, by code.', ['code']);
  const refusals = counter('refusals_total', 'Work that was refused because of a limit.', ['reason']);
  const cache = counter('cache_lookups_total', 'Lookups in caches.', ['cache', 'result']);
  const connections = gauge('database_connections', 'Connections of the pool.', ['state']);
  const replicaUsed = gauge('replica_used', '1 while requests read from the replica.', ['replica']);
  const replicaLag = gauge('replica_lag_seconds', 'By how much the replica lags behind the primary.', [
    'replica',
  ]);
  const waiting = gauge('waiting', 'Work that waits: for a connection, a thread, a decoder, memory.', [
    'for',
  ]);
  const streams = gauge('streams', 'Open streams of server-sent events.');
  const items = gauge('items', 'Items of the catalogue.', ['modality']);
  const indexes = gauge('vector_indexes', 'Vector indexes that searches lack.', ['state']);
  const encoders = gauge('encoders', 'Versions of the encoder, by state.', ['state']);
  const jobs = gauge('jobs', 'Jobs, with trainings and evaluations, by kind and state.', ['kind', 'state']);
  const activated = gauge('encoder_activated_timestamp_seconds', 'When the active encoder was activated.');
  const quality = gauge('encoder_map', 'map@all of the active encoder on held-out pairs.', ['classes']);

  const health = encoderHealthMetrics(registry);

  return {
    registry,
    request: (labels: RequestLabels, seconds: number) => requests.observe({ ...labels }, seconds),
    note(observation: Observation): void {
      if (observation.kind === 'stage')
        stages.observe({ stage: observation.stage, operation: currentOperation() }, observation.seconds);
      else if (observation.kind === 'field')
        fields.observe({ field: observation.field }, observation.seconds);
      else if (observation.kind === 'refusal') refusals.inc({ reason: observation.reason });
      else if (observation.kind === 'error') {
        errors.inc({ code: observation.code });
        const reason = REFUSALS[observation.code];
        if (reason !== undefined) refusals.inc({ reason });
      } else cache.inc({ cache: observation.cache, result: observation.hit ? 'hit' : 'miss' });
    },
    set({ pool, replicas, extractors, waiting: waits, catalogue }: Gauges, http: HttpGauges): void {
      connections.set({ state: 'idle' }, pool.idle);
      connections.set({ state: 'used' }, pool.total - pool.idle);
      replicaLag.reset();
      for (const { name: replica, used, lagSeconds } of replicas) {
        replicaUsed.set({ replica }, used ? 1 : 0);
        if (lagSeconds !== null) replicaLag.set({ replica }, lagSeconds);
      }
      waiting.set({ for: 'connection' }, pool.waiting);
      waiting.set({ for: 'query_extractor' }, extractors.queries.waiting);
      waiting.set({ for: 'batch_extractor' }, extractors.batches.waiting);
      waiting.set({ for: 'request_body' }, http.waitingBodies);
      streams.set(http.streams);
      waiting.set({ for: 'decoder' }, waits.decode);
      waiting.set({ for: 'picture_memory' }, waits.pictureMemory);
      // Values of an earlier reading must not stand for a catalogue that does not answer.
      for (const one of [items, indexes, encoders, jobs, activated, quality]) one.reset();
      health.set(catalogue?.active?.health ?? null);
      if (catalogue === null) return;
      items.set({ modality: 'IMAGE' }, catalogue.items.IMAGE);
      items.set({ modality: 'TEXT' }, catalogue.items.TEXT);
      indexes.set({ state: 'missing' }, catalogue.indexes.missing);
      indexes.set({ state: 'building' }, catalogue.indexes.building);
      for (const [state, count] of Object.entries(catalogue.encoders)) encoders.set({ state }, count);
      for (const { kind, state, count } of catalogue.jobs) jobs.set({ kind, state }, count);
      const { active } = catalogue;
      if (active?.activatedAt != null) activated.set(active.activatedAt / 1000);
      for (const classes of ['seen', 'unseen'] as const) {
        const map = active?.[classes] ?? null;
        if (map !== null) quality.set({ classes }, map);
      }
    },
  };
}

/** The root field of the operation that the running code works for. */
function currentOperation(): string {
  const request = currentRequest();
  if (request === null) return 'background';
  const [field, ...more] = runningOperation(request)?.fields ?? [];
  if (field === undefined) return 'none';
  return more.length > 0 ? 'several' : field;
}
