import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { Catalog } from '../../src/catalog/catalog.js';
import type { LackingIndex } from '../../src/catalog/vectors/vector-indexes.js';
import type { JobRow } from '../../src/domain/job.js';
import { JobFetches, UNLIMITED } from '../../src/services/jobs/job-fetches.js';
import { IndexUpkeep } from '../../src/services/serving/index-upkeep.js';

type Parts = ConstructorParameters<typeof IndexUpkeep>[1];

const MISSING: LackingIndex = { partition: 'vectors.feature_1', building: false, extractor: 'words@1' };

describe('the upkeep of indexes', () => {
  let upkeep: IndexUpkeep | undefined;
  afterEach(() => upkeep?.stop());

  /** An upkeep over partitions, each of which lacks its index until it is built. */
  function over(kind: Catalog['kind'], partitions: number) {
    const seen = { checks: 0, built: 0, unexpected: [] as unknown[] };
    const indexes = {
      lacking: async () => {
        seen.checks += 1;
        return Array.from({ length: partitions - seen.built }, () => MISSING);
      },
      ensure: async ({ atMost = partitions }) => {
        const now = Math.min(atMost, partitions - seen.built);
        seen.built += now;
        return Array.from({ length: now }, () => MISSING.partition);
      },
    };
    const catalog = { kind, indexes } as unknown as Catalog;
    const signal = new AbortController().signal;
    const fetches = new JobFetches(UNLIMITED);
    const advance = async () => {};
    const context = { id: 'job', position: null, requestedBy: 'server', fetches, signal, advance };
    const jobs: Parts = {
      complete: async (job, parameters) => {
        await job.run(parameters, context);
        return {} as JobRow;
      },
      waits: async () => false,
      wentWrongWithin: async () => false,
    };
    const limits = { checkEveryMs: 60_000, quietMs: 2, rows: 20_000 };
    upkeep = new IndexUpkeep(catalog, jobs, (error) => seen.unexpected.push(error), limits);
    return { upkeep, seen };
  }

  it('builds at once on a server', async () => {
    const { upkeep, seen } = over('server', 2);
    upkeep.request();
    upkeep.start();
    await expect.poll(() => seen.built).toBe(2);
  });

  it('waits on the embedded database while a request is answered', async () => {
    const { upkeep, seen } = over('embedded', 2);
    const end = upkeep.request();
    upkeep.start();
    await expect.poll(() => seen.checks).toBeGreaterThan(0);
    for (let turn = 0; turn < 1000; turn += 1) await setImmediate();
    expect(seen.built).toBe(0);
    end();
    await expect.poll(() => seen.built).toBe(2);
    expect(seen.unexpected).toEqual([]);
  });

  it('builds at once in a process that does not serve requests', async () => {
    const { upkeep, seen } = over('embedded', 2);
    await upkeep.ensure();
    expect(seen.built).toBe(2);
  });

  it('stops while it waits', async () => {
    const { upkeep, seen } = over('embedded', 1);
    upkeep.request();
    upkeep.start();
    await expect.poll(() => seen.checks).toBeGreaterThan(0);
    await upkeep.stop();
    expect(seen.built).toBe(0);
  });
});
