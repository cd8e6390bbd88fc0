import { createPool } from './database.js';
import type { ReportConnectionError } from './lost-connection.js';
import { Replica } from './replica.js';
import { REPLICA_LIMITS, type ReplicaLimits, Replicas } from './replicas.js';
import type { TimeLimits, WorkPool } from './work-pool.js';

export interface ReplicaOptions {
  /** Addresses of streaming replicas of `databaseUrl`. They are asked for what requests read. */
  readonly replicaUrls?: readonly string[];
  /** REPLICA_LIMITS where not given. */
  readonly replicaLimits?: Partial<ReplicaLimits>;
}

/** Sends what requests read to the replicas; null without any. A replica that does not answer is tried again later. */
export function connectReplicas(
  primaryUrl: string,
  primaryPool: WorkPool,
  { replicaUrls = [], replicaLimits }: ReplicaOptions,
  onError: ReportConnectionError,
  timeLimits: TimeLimits,
): Replicas | null {
  if (replicaUrls.length === 0) return null;
  const limits = { ...REPLICA_LIMITS, ...replicaLimits };
  const all = replicaUrls.map((url) => {
    // Its lost connections are reported once, when it is left out.
    const pool = createPool('server', { connectionString: url }, () => {}, timeLimits);
    return new Replica(hostOf(url), url, pool, limits);
  });
  const replicas = new Replicas(primaryUrl, all, limits, onError);
  replicas.start();
  primaryPool.readElsewhere = replicas.readElsewhere;
  return replicas;
}

/** Without user and password. */
function hostOf(url: string): string {
  const { hostname, port } = new URL(url);
  return `${hostname || 'localhost'}:${port || '5432'}`;
}
