import type { Topology } from '../../catalog/postgres/nodes.js';
import { type Finding, ok } from './findings.js';

const GB = 2 ** 30;

/** A worker with more than this many times the bytes of the mean has more than its share. */
const SKEW = 1.5;
/** Less than this is not worth moving. */
const SKEWED_BYTES = 256 * 2 ** 20;

/** What is wrong with the nodes of a distributed database; one finding that says what there is where nothing is. */
export function nodeFindings({ shards, workers, differing }: Topology): Finding[] {
  const found: Finding[] = [];
  const add = (level: 'warning' | 'error', message: string, remedy: string) =>
    found.push({ check: 'nodes', level, message, remedy });
  for (const { node, problem } of workers) {
    if (problem === null) continue;
    add(
      'error',
      `the worker ${node} does not answer: ${problem}`,
      'start it; searches and writes work again at once',
    );
  }
  const mean = workers.reduce((sum, { bytes }) => sum + bytes, 0) / Math.max(1, workers.length);
  for (const { node, shards: own, bytes } of workers) {
    if (own === 0 && shards >= workers.length)
      add(
        'warning',
        `the worker ${node} has no shard`,
        'run SELECT citus_rebalance_start() on the coordinator',
      );
    else if (bytes > SKEWED_BYTES && bytes > SKEW * mean)
      add(
        'warning',
        `the worker ${node} has ${(bytes / mean).toFixed(1)} times the bytes of the mean`,
        'run SELECT citus_rebalance_start() on the coordinator',
      );
  }
  for (const { name, values, own } of differing) {
    const listed = Object.entries(values).map(([node, value]) => `${node} ${value ?? 'not set'}`);
    add(
      'warning',
      `${name} is not the same on all nodes: ${listed.join(', ')}`,
      own ? 'run `commonspace migrate --distribute`, then restart the servers' : 'set it alike on all nodes',
    );
  }
  const placed = workers.map(
    ({ node, shards: own, bytes }) => `${node} ${own} (${(bytes / GB).toFixed(1)} GB)`,
  );
  return found.length > 0
    ? found
    : [ok('nodes', `${shards} shards on ${workers.length} workers: ${placed.join(', ')}`)];
}
