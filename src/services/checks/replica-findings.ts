import type { Catalog } from '../../catalog/catalog.js';
import { type Finding, ok } from './findings.js';

type Replicas = NonNullable<Catalog['database']['replicas']>;
type ReplicaReport = Replicas['reports'][number];

/** One finding for each replica: whether it streams from this primary, and its lag. Empty without replicas. */
export async function replicaFindings(replicas: Replicas | null): Promise<Finding[]> {
  if (replicas === null) return [];
  await replicas.check();
  return replicas.reports.map(replicaFinding);
}

export function replicaFinding({ name, state }: ReplicaReport): Finding {
  switch (state.kind) {
    case 'usable':
      return ok('replicas', `${name} streams from the primary and lags by ${seconds(state.lagMs)}`);
    case 'lagging':
      return {
        check: 'replicas',
        level: 'warning',
        message: `${name} lags by ${Number.isFinite(state.lagMs) ? seconds(state.lagMs) : 'more than was measured'}, so it is not used`,
        remedy:
          'see pg_stat_replication on the primary and pg_stat_wal_receiver on the replica; a replay may be paused or wait for long statements',
      };
    case 'unreachable':
      return {
        check: 'replicas',
        level: 'warning',
        message: `${name} does not answer, so it is not used: ${state.reason}`,
        remedy: 'start it; servers take it back by themselves',
      };
    case 'foreign':
      return {
        check: 'replicas',
        level: 'error',
        message: `${name} is not a replica of the server of DATABASE_URL: ${state.reason}`,
        remedy: 'correct DATABASE_REPLICA_URL, or make the replica anew from this primary',
      };
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
