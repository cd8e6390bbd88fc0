import type { ExtensionVersions } from '../../catalog/repositories/server-checks.js';

/** The result of one check. */
export interface Finding {
  readonly check: 'pgvector' | 'nodes' | 'indexes' | 'media' | 'leftovers' | 'clock' | 'disk' | 'replicas';
  /** `warning`: it works, and should be mended. `error`: something is lost, wrong, or about to fail. */
  readonly level: 'ok' | 'warning' | 'error';
  readonly message: string;
  /** What to do; null where nothing is to be done. */
  readonly remedy: string | null;
}

/** Faults of pgvector as its changelog has them: of all versions below the one that mended them. */
const PGVECTOR_FAULTS = [
  { below: '0.8.2', level: 'error', what: 'a parallel build of an HNSW index can overflow a buffer' },
  { below: '0.8.3', level: 'error', what: 'a VACUUM can corrupt an HNSW index' },
  { below: '0.8.4', level: 'warning', what: 'a VACUUM of an HNSW index, and inserts meanwhile, can fail' },
] as const;

export function pgvectorFinding({ installed, available }: ExtensionVersions): Finding {
  const faults = PGVECTOR_FAULTS.filter(({ below }) => isOlder(available, below));
  if (faults.length > 0) {
    const indexes = isOlder(available, '0.8.3')
      ? ', then rebuild the HNSW indexes (REINDEX INDEX CONCURRENTLY)'
      : '';
    return {
      check: 'pgvector',
      level: faults.some(({ level }) => level === 'error') ? 'error' : 'warning',
      message: `pgvector ${available} has known faults: ${faults.map(({ what }) => what).join('; ')}`,
      remedy: `install pgvector 0.8.4 or newer on the server, restart it, and run ALTER EXTENSION vector UPDATE${indexes}`,
    };
  }
  if (isOlder(installed, available)) {
    return {
      check: 'pgvector',
      level: 'warning',
      message: `pgvector ${available} is installed, and this database has the objects of ${installed}`,
      remedy: 'run ALTER EXTENSION vector UPDATE in the database',
    };
  }
  return ok('pgvector', `pgvector ${available} has no known faults`);
}

/** The clocks may differ by this, in milliseconds: ages of heartbeats and leases are compared with seconds. */
const CLOCK_MS = { warning: 1_000, error: 30_000 } as const;

/**
 * @param offsetMs the database's clock less that of this process
 * @param marginMs the uncertainty of the measurement
 */
export function clockFinding(offsetMs: number, marginMs: number): Finding {
  const least = Math.max(0, Math.abs(offsetMs) - marginMs);
  if (least <= CLOCK_MS.warning) return ok('clock', 'the clocks of the database and of this machine agree');
  return {
    check: 'clock',
    level: least > CLOCK_MS.error ? 'error' : 'warning',
    message: `the clock of the database is ${(Math.abs(offsetMs) / 1000).toFixed(1)} s ${offsetMs > 0 ? 'ahead of' : 'behind'} that of this machine`,
    remedy:
      'synchronise both clocks by NTP: heartbeats, expiries of keys and sessions, and grace periods compare them',
  };
}

const GB = 2 ** 30;

/** @param free bytes that this user can write in the data folder's file system; @param total its size */
export function diskFinding(free: number, total: number): Finding {
  const share = total > 0 ? free / total : 1;
  const left = `${(free / GB).toFixed(1)} GB (${Math.round(share * 100)} %) are free in the file system of the data folder`;
  const level = free < GB / 2 ? 'error' : free < 5 * GB && share < 0.1 ? 'warning' : 'ok';
  if (level === 'ok') return ok('disk', left);
  return {
    check: 'disk',
    level,
    message: `only ${left}`,
    remedy:
      'free space or move the data folder; `commonspace sweep` removes leftovers, and old reports in runs/ can be deleted by hand',
  };
}

export function ok(check: Finding['check'], message: string): Finding {
  return { check, level: 'ok', message, remedy: null };
}

function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map((text) => text.split('.').map((part) => Number.parseInt(part, 10) || 0));
  for (let i = 0; i < 3; i += 1) {
    const difference = (a?.[i] ?? 0) - (b?.[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
