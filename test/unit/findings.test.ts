import { describe, expect, it } from 'vitest';
import { clockFinding, diskFinding, pgvectorFinding } from '../../src/services/checks/findings.js';
import { nodeFindings } from '../../src/services/checks/node-findings.js';
import { replicaFinding } from '../../src/services/checks/replica-findings.js';

const GB = 2 ** 30;

describe('the findings of commonspace doctor', () => {
  it.each([
    ['0.8.0', 'error', /overflow a buffer.*corrupt an HNSW index.*can fail/, /0\.8\.4 or newer.*REINDEX/],
    ['0.8.2', 'error', /: a VACUUM can corrupt an HNSW index;/, /REINDEX/],
    ['0.8.3', 'warning', /faults: a VACUUM of an HNSW index/, /UPDATE$/],
    ['0.8.4', 'ok', /no known faults/, null],
    ['0.8.10', 'ok', /no known faults/, null],
    ['0.9.0', 'ok', /no known faults/, null],
    ['1.0', 'ok', /no known faults/, null],
  ])('pgvector %s: %s', (version, level, message, remedy) => {
    const found = pgvectorFinding({ installed: version, available: version });
    expect(found).toMatchObject({ check: 'pgvector', level, message: expect.stringMatching(message) });
    if (remedy === null) expect(found.remedy).toBeNull();
    else expect(found.remedy).toMatch(remedy);
  });

  it.each([
    [{ kind: 'usable', lagMs: 120 }, 'ok', /lags by 0\.1 s$/],
    [{ kind: 'lagging', lagMs: 12_000 }, 'warning', /lags by 12\.0 s, so it is not used/],
    [{ kind: 'lagging', lagMs: Number.POSITIVE_INFINITY }, 'warning', /lags by more than was measured/],
    [{ kind: 'unreachable', reason: 'refused' }, 'warning', /does not answer.*: refused$/],
    [{ kind: 'foreign', reason: 'it was promoted' }, 'error', /not a replica.*: it was promoted$/],
  ] as const)('of the replica %j', (state, level, message) => {
    expect(replicaFinding({ name: 'there:5432', state })).toMatchObject({
      check: 'replicas',
      level,
      message: expect.stringMatching(message),
      remedy: level === 'ok' ? null : expect.any(String),
    });
  });

  it('judge the library of the server, and name objects of an older version', () => {
    expect(pgvectorFinding({ installed: '0.8.0', available: '0.8.6' })).toMatchObject({
      level: 'warning',
      remedy: 'run ALTER EXTENSION vector UPDATE in the database',
    });
    expect(pgvectorFinding({ installed: '0.8.6', available: '0.8.0' }).level).toBe('error');
  });

  it.each([
    [0, 1, 'ok'],
    [-900, 0, 'ok'],
    [4_000, 3_500, 'ok'],
    [4_000, 500, 'warning'],
    [-40_000, 500, 'error'],
  ])('clock: off by %i ms ± %i is %s', (offset, margin, level) => {
    expect(clockFinding(offset, margin).level).toBe(level);
  });

  it('say in which direction the clock is off', () => {
    expect(clockFinding(4_000, 0).message).toContain('4.0 s ahead of');
    expect(clockFinding(-4_000, 0).message).toContain('4.0 s behind');
  });

  it.each([
    [0.3 * GB, 100 * GB, 'error'],
    [4 * GB, 100 * GB, 'warning'],
    [4 * GB, 8 * GB, 'ok'],
    [8 * GB, 1_000 * GB, 'ok'],
  ])('disk: %d of %d bytes free is %s', (free, total, level) => {
    expect(diskFinding(free, total).level).toBe(level);
  });

  describe('on the nodes of a distributed database', () => {
    const GIGABYTE = 2 ** 30;
    const worker = (port: number, shards = 4, bytes = GIGABYTE) => ({
      node: `w:${port}`,
      shards,
      bytes,
      problem: null,
    });

    it('say where the shards are', () => {
      expect(nodeFindings({ shards: 8, workers: [worker(1), worker(2)], differing: [] })).toEqual([
        {
          check: 'nodes',
          level: 'ok',
          message: '8 shards on 2 workers: w:1 4 (1.0 GB), w:2 4 (1.0 GB)',
          remedy: null,
        },
      ]);
    });

    it('name workers that do not answer, have no shard, or more than their share', () => {
      const workers = [
        { ...worker(1), problem: 'connection refused' },
        worker(2, 0, 0),
        worker(3, 4, 9 * GIGABYTE),
      ];
      expect(nodeFindings({ shards: 8, workers, differing: [] })).toMatchObject([
        { level: 'error', message: 'the worker w:1 does not answer: connection refused' },
        {
          level: 'warning',
          message: 'the worker w:2 has no shard',
          remedy: expect.stringContaining('rebalance'),
        },
        { level: 'warning', message: 'the worker w:3 has 2.7 times the bytes of the mean' },
      ]);
    });

    it('name settings that differ, and what writes them', () => {
      const values = { 'c:1': '40', 'w:1': null };
      const differing = [
        { name: 'hnsw.ef_search', values, own: true },
        { name: 'work_mem', values: { 'c:1': '4MB', 'w:1': '8MB' }, own: false },
      ];
      expect(nodeFindings({ shards: 8, workers: [worker(1)], differing })).toMatchObject([
        {
          message: 'hnsw.ef_search is not the same on all nodes: c:1 40, w:1 not set',
          remedy: expect.stringContaining('--distribute'),
        },
        {
          message: 'work_mem is not the same on all nodes: c:1 4MB, w:1 8MB',
          remedy: 'set it alike on all nodes',
        },
      ]);
    });
  });
});
