import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Jobs } from '../../src/catalog/repositories/jobs.js';
import { LOCAL } from '../../src/domain/access.js';
import { CommonspaceError } from '../../src/domain/errors.js';
import type { JobRow } from '../../src/domain/job.js';
import { Budgets } from '../../src/services/access/budgets.js';
import { type JobContext, type JobKind, storedKind } from '../../src/services/jobs/job-kind.js';
import { type AllowanceOf, JobRunner } from '../../src/services/jobs/job-runner.js';
import { JobService } from '../../src/services/jobs/job-service.js';
import { OwnJobs } from '../../src/services/jobs/own-jobs.js';
import { describeOnEachKind, openTestCatalog, type TestCatalog } from '../support/catalog.js';

const parameters = z.object({ upTo: z.number(), failuresOf: z.string().nullable() });
type Parameters = z.output<typeof parameters>;

/** Counts in steps of ten. Multiples of seven fail, multiples of five are skipped. */
function counting(before: (at: number, context: JobContext) => Promise<unknown> = async () => {}) {
  const kind: JobKind<Parameters> = {
    name: 'SWEEP',
    slot: 'long',
    scope: 'ingest',
    parameters,
    failuresOf: (given, failuresOf) => ({ ...given, failuresOf }),
    async run({ upTo }, context) {
      for (let at = z.number().nullable().parse(context.position) ?? 0; at < upTo; ) {
        await before(at, context);
        if (context.signal.aborted) throw new CommonspaceError('CANCELLED', 'It was cancelled.');
        const numbers = Array.from({ length: Math.min(10, upTo - at) }, (_, i) => at + i + 1);
        const failures = numbers.filter((n) => n % 7 === 0);
        const skipped = numbers.filter((n) => n % 7 !== 0 && n % 5 === 0).length;
        at += numbers.length;
        await context.advance({
          position: at,
          total: upTo,
          done: numbers.length - failures.length - skipped,
          failed: failures.length,
          skipped,
          failures: failures.map((n) => ({
            ordinal: n,
            reference: `number ${n}`,
            code: 'BAD_ROW',
            message: 'A multiple of seven.',
            input: { n },
          })),
        });
      }
      return `Counted to ${upTo}.`;
    },
  };
  return kind;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve());
  });
}

/** Of 1 to 35. */
const COUNTED = { total: 35, done: 24, failed: 5, skipped: 6 };

describeOnEachKind('jobs', (kind) => {
  let test: TestCatalog;
  const unexpected: unknown[] = [];
  const runners: JobRunner[] = [];

  beforeAll(async () => {
    test = await openTestCatalog(kind);
  });
  afterAll(() => test.dispose());
  beforeEach(async () => {
    await Promise.all(runners.splice(0).map((runner) => runner.stop()));
    await test.catalog.database.runOnce('TRUNCATE job, job_failure');
    unexpected.length = 0;
  });

  /** A process with a runner. */
  function server(
    counts: JobKind<Parameters>,
    jobs: Jobs = test.catalog.jobs,
    atOnce = 1,
    allowanceOf?: AllowanceOf,
    further: readonly JobKind<Parameters>[] = [],
  ) {
    const kinds = [counts, ...further].map(storedKind);
    const runner = new JobRunner(jobs, kinds, (error) => unexpected.push(error), allowanceOf);
    runners.push(runner);
    runner.start(atOnce);
    const service = new JobService({ jobs, jobList: test.catalog.jobList }, kinds, runner, async () => {});
    return { runner, service };
  }
  const begin = async ({ service }: ReturnType<typeof server>, upTo = 35) =>
    (await service.begin(counting(), { upTo, failuresOf: null }, LOCAL)).id;
  const ended = async (id: string) => {
    await expect
      .poll(async () => (await test.catalog.jobList.byId(id))?.state, { timeout: 20_000 })
      .not.toMatch(/queued|running/);
    return await test.catalog.jobList.byId(id);
  };
  const stepsOf = (upTo: number) => Array.from({ length: Math.ceil(upTo / 10) }, (_, i) => i * 10);

  it('are done in steps, and their counts add up', async () => {
    const one = server(counting());
    const id = await begin(one);
    const row = await ended(id);
    expect(row).toMatchObject({
      ...COUNTED,
      state: 'succeeded',
      message: 'Counted to 35.',
      requestedBy: 'local',
    });
    const first = await one.service.failures(id, 3, null);
    expect(first).toMatchObject({ hasNextPage: true, hasPreviousPage: false });
    const rest = await one.service.failures(id, 3, first.edges.at(-1)?.cursor ?? null);
    expect([...first.edges, ...rest.edges].map(({ node }) => node.ordinal)).toEqual([7, 14, 21, 28, 35]);
    expect(rest.edges[0]?.node).toMatchObject({ reference: 'number 28', code: 'BAD_ROW', input: { n: 28 } });
  });

  it('go on from the latest step after an unexpected error', async () => {
    const reached: number[] = [];
    const one = server(
      counting(async (at) => {
        reached.push(at);
        if (at === 20 && reached.filter((n) => n === 20).length === 1) throw new Error('once');
      }),
    );
    expect(await ended(await begin(one))).toMatchObject({
      ...COUNTED,
      state: 'succeeded',
      message: 'Counted to 35.',
    });
    expect(reached).toEqual([0, 10, 20, 20, 30]);
    expect(unexpected).toHaveLength(1);
  });

  it('wait between steps while their key has fetched what it may, and go on then', async () => {
    let now = 0;
    const budgets = new Budgets({ cost: 0, bytes: 600 }, () => now);
    const reached: number[] = [];
    const fetching = counting(async (at, { fetches }) => {
      fetches.continue();
      reached.push(at);
      fetches.inputs.begin();
      fetches.inputs.spend(350);
    });
    const allowanceOf: AllowanceOf = async (caller) => budgets.of({ ...caller, scopes: [] });
    const one = server(fetching, test.catalog.jobs, 1, allowanceOf);
    const id = await begin(one);
    const waiting = async () => (await test.catalog.jobList.byId(id))?.message;
    await expect.poll(waiting).toMatch(/^It waits/);
    // 700 bytes are more than a minute allows, so nothing more was fetched.
    expect(reached).toEqual([0, 10]);
    const [row] = await test.catalog.database.run<{ seconds: number; attempts: number }>(
      'SELECT EXTRACT(EPOCH FROM run_after - clock_timestamp())::float8 AS seconds, attempts FROM job',
    );
    expect(row?.seconds).toBeGreaterThan(25);
    expect(row?.attempts).toBe(0);
    now += 60_000;
    await test.catalog.database.run('UPDATE job SET run_after = NULL');
    one.runner.wake();
    expect(await ended(id)).toMatchObject({ ...COUNTED, state: 'succeeded' });
    expect(reached).toEqual([0, 10, 20, 30]);
    // 100 were left over from before, and 600 came back.
    expect(() => budgets.of({ name: 'local', keyId: null, scopes: [] }).takeBytes(1)).toThrow(
      /bytes of a minute/,
    );
  });

  it('fail at once by an expected error, and go on if they are retried', async () => {
    let isBroken = true;
    const one = server(
      counting(async (at) => {
        if (at === 20 && isBroken) throw new CommonspaceError('BAD_FOLDER', 'The folder is gone.');
      }),
    );
    const id = await begin(one);
    expect(await ended(id)).toMatchObject({ state: 'failed', message: 'The folder is gone.', total: 35 });
    isBroken = false;
    // The runner may have begun it, or ended it, before the answer is read.
    const retried = await one.service.retry(id, LOCAL);
    expect(retried.id).toBe(id);
    expect(retried.state).not.toBe('failed');
    expect(await ended(id)).toMatchObject({ ...COUNTED, state: 'succeeded' });
    expect(unexpected).toEqual([]);
  });

  it('wait while the database does not answer, without counting attempts', async () => {
    let outages = 0;
    const one = server(
      counting(async (at) => {
        if (at === 10 && outages < 2) {
          outages += 1;
          throw new CommonspaceError('BUSY', 'All connections are in use.');
        }
      }),
    );
    const id = await begin(one);
    await expect
      .poll(async () => (await one.service.require(id)).message)
      .toBe('All connections are in use.');
    const [stored] = await test.catalog.database.run<{ attempts: number }>('SELECT attempts FROM job');
    expect(stored?.attempts).toBe(0);
    expect(await ended(id)).toMatchObject({ ...COUNTED, state: 'succeeded' });
  });

  it('fail after too many starts at the same step', async () => {
    const { jobs } = test.catalog;
    const id = uuidv7();
    const request = { upTo: 35, failuresOf: null };
    await jobs.enqueue({ id, kind: 'SWEEP', parameters: request, requestedBy: LOCAL });
    for (let starts = 1; starts <= 5; starts += 1) {
      // A process that claims it and is killed.
      expect(await new Jobs(test.catalog.database).claim(['SWEEP'])).toMatchObject({ id, attempts: starts });
      await test.catalog.database.run(`UPDATE job SET heartbeat_at = now() - interval '2 minutes'`);
      await jobs.recover(5, { code: 'INTERRUPTED', message: 'It ended.' });
    }
    expect(await test.catalog.jobList.byId(id)).toMatchObject({ state: 'failed', message: 'It ended.' });
  });

  it('are taken over when their process is gone, and its late steps are refused', async () => {
    const gone = new Jobs(test.catalog.database);
    const one = server(counting(), test.catalog.jobs, 0);
    const id = await begin(one);
    const claimed = await gone.claim(['SWEEP']);
    if (claimed === null) throw new Error('nothing was claimed');
    const step = { position: 10, done: 7, failed: 1, skipped: 2 };
    const failure = {
      ordinal: 7,
      reference: 'number 7',
      code: 'BAD_ROW' as const,
      message: 'no',
      input: null,
    };
    await gone.advance(claimed, { ...step, failures: [failure] });
    await test.catalog.database.run(`UPDATE job SET heartbeat_at = now() - interval '2 minutes'`);
    const reached: number[] = [];
    server(counting(async (at) => void reached.push(at)));
    expect(await ended(id)).toMatchObject({ ...COUNTED, state: 'succeeded' });
    expect(reached).toEqual([10, 20, 30]);
    await expect(gone.advance(claimed, { ...step, position: 20 })).rejects.toThrow(id);
    await expect(gone.finish(claimed, { state: 'succeeded', message: null })).rejects.toThrow(id);
    expect(await test.catalog.jobList.byId(id)).toMatchObject(COUNTED);
  });

  it('store nothing of a step that cannot be stored whole', async () => {
    const { jobs } = test.catalog;
    const one = server(counting(), jobs, 0);
    const id = await begin(one);
    const claimed = await jobs.claim(['SWEEP']);
    if (claimed === null) throw new Error('nothing was claimed');
    const failure = { ordinal: 1, reference: 'x', code: 'BAD_ROW' as const, message: 'no', input: null };
    const step = { position: 2, done: 0, failed: 2, skipped: 0, failures: [failure, failure] };
    await expect(jobs.advance(claimed, step)).rejects.toMatchObject({ code: '23505' });
    expect(await one.service.require(id)).toMatchObject({ failed: 0, total: null });
    expect((await one.service.failures(id, 10, null)).edges).toEqual([]);
  });

  it('go back into the queue when the process stops, and another one goes on', async () => {
    let stop = () => {};
    const first = server(
      counting(async (at, { signal }) => {
        if (at !== 20) return;
        stop();
        await aborted(signal);
      }),
    );
    const stopped = new Promise<void>((resolve) => {
      stop = () => void first.runner.stop().then(resolve);
    });
    const id = await begin(first);
    await stopped;
    expect(await first.service.require(id)).toMatchObject({ state: 'queued', done: 14 });
    server(counting());
    expect(await ended(id)).toMatchObject({ ...COUNTED, state: 'succeeded' });
  });

  it('stop when they are cancelled, also by another process', async () => {
    const other = server(counting(), new Jobs(test.catalog.database), 0);
    let cancelled = 0;
    const one = server(
      counting(async (at, { id, signal }) => {
        if (at !== 10) return;
        await other.service.cancel(id, LOCAL);
        await aborted(signal);
        cancelled += 1;
      }),
    );
    const id = await begin(one);
    await expect.poll(() => cancelled, { timeout: 5_000 }).toBe(1);
    expect(await ended(id)).toMatchObject({ state: 'cancelled', done: 7, failed: 1, skipped: 2, total: 35 });
    await expect(one.service.cancel(id, LOCAL)).rejects.toMatchObject({ code: 'JOB_STATE' });
    expect(unexpected).toEqual([]);
  });

  it('that are short do not wait for long ones, and some are done by no slot', async () => {
    let go = () => {};
    const waiting = new Promise<void>((resolve) => {
      go = resolve;
    });
    const short: JobKind<Parameters> = { ...counting(), name: 'DELETION', slot: 'short' };
    const own: JobKind<Parameters> = { ...counting(), name: 'INDEX', slot: 'own' };
    const one = server(
      counting(() => waiting),
      test.catalog.jobs,
      1,
      undefined,
      [short, own],
    );
    const request = { upTo: 35, failuresOf: null };
    const notDone = (await one.service.begin(own, request, LOCAL)).id;
    const [first, second] = [await begin(one), await begin(one)];
    await expect.poll(async () => (await one.service.require(first)).state).toBe('running');
    const quick = (await one.service.begin(short, request, LOCAL)).id;
    expect(await ended(quick)).toMatchObject({ ...COUNTED, state: 'succeeded' });
    expect(await one.service.require(first)).toMatchObject({ state: 'running' });
    expect(await one.service.require(second)).toMatchObject({ state: 'queued' });
    go();
    expect(await ended(second)).toMatchObject({ ...COUNTED, state: 'succeeded' });
    expect(await one.service.require(notDone)).toMatchObject({ state: 'queued' });
  });

  describe('that a process needs the result of', () => {
    const request = { upTo: 35, failuresOf: null };
    // On the embedded database every other process is taken for gone, because only one can be open.
    const process = () =>
      new OwnJobs(
        {
          jobs: kind === 'server' ? new Jobs(test.catalog.database) : test.catalog.jobs,
          jobList: test.catalog.jobList,
        },
        (error) => unexpected.push(error),
      );
    const code = (expected: string) => expect.objectContaining({ code: expected });

    it('are done there, once for all that need the same', async () => {
      const reached: number[] = [];
      let go = () => {};
      const joined = new Promise<void>((resolve) => {
        go = resolve;
      });
      const seen = new Set<string>();
      const see = (by: string) => {
        if (seen.add(by).size === 2) go();
      };
      // It does not end before both processes have found it.
      const counts = counting(async (at) => {
        reached.push(at);
        if (at === 10) await joined;
      });
      const steps: number[] = [];
      const onStep = ({ done, failed, skipped }: JobRow) => {
        steps.push(done + failed + skipped);
        see('first');
      };
      const [first, second, other] = await Promise.all([
        process().complete(counts, request, { onStep }),
        process().complete(counts, request, { onStep: () => see('second') }),
        process().complete(counting(), { ...request, upTo: 4 }),
      ]);
      expect(first).toMatchObject({ ...COUNTED, state: 'succeeded', requestedBy: 'server' });
      expect(second).toEqual(first);
      expect(other).toMatchObject({ state: 'succeeded', total: 4 });
      expect(reached).toEqual(stepsOf(35));
      expect([...new Set(steps)]).toEqual([10, 20, 30, 35]);
      // Nothing of the first is under way any more.
      expect((await process().complete(counting(), request)).id).not.toBe(first.id);
    });

    it('are cancelled with what needs them, and stop what needs them if they are cancelled', async () => {
      const cancelled = new AbortController();
      const counts = counting(async (at) => at === 10 && cancelled.abort());
      await expect(process().complete(counts, request, { signal: cancelled.signal })).rejects.toEqual(
        code('CANCELLED'),
      );
      const rows = () => test.catalog.jobList.page({ states: null, kinds: null }, null, 10);
      expect(await rows()).toMatchObject([{ state: 'cancelled', done: 7, failed: 1, skipped: 2, total: 35 }]);
      expect(await process().wentWrongWithin(counts, request, 60_000)).toBe(true);
      expect(await process().wentWrongWithin(counts, { ...request, upTo: 4 }, 60_000)).toBe(false);
      expect(await process().wentWrongWithin(counts, request, 0)).toBe(false);

      const cancelling = counting(async (at, { id }) => at === 20 && (await test.catalog.jobs.cancel(id)));
      await expect(process().complete(cancelling, request)).rejects.toEqual(code('CANCELLED'));
      expect((await rows()).map(({ state }) => state)).toEqual(['cancelled', 'cancelled']);
      expect(unexpected).toEqual([]);
    });

    it('pass on the error by which they fail', async () => {
      const broken = counting(async () => {
        throw new CommonspaceError('BAD_FOLDER', 'The folder is gone.');
      });
      await expect(process().complete(broken, request)).rejects.toEqual(code('BAD_FOLDER'));
    });

    it('go back into the queue when the process stops, and go on where they are needed again', async () => {
      const first = process();
      const stopping = new AbortController();
      const counts = counting(async (at) => {
        if (at !== 20) return;
        void first.stop();
        stopping.abort();
      });
      await expect(first.complete(counts, request, { signal: stopping.signal })).rejects.toEqual(
        code('CANCELLED'),
      );
      expect(await process().waits(counts, request)).toBe(true);
      const reached: number[] = [];
      const again = counting(async (at) => void reached.push(at));
      expect(await process().complete(again, request)).toMatchObject({ ...COUNTED, state: 'succeeded' });
      expect(reached).toEqual([20, 30]);
      expect(await process().waits(counts, request)).toBe(false);
    });
  });

  it('have a new job for their failed inputs, if their caller may begin one', async () => {
    const one = server(counting());
    const id = await begin(one);
    await ended(id);
    const reader = { keyId: null, name: 'reader', scopes: ['read'] } as const;
    await expect(one.service.retry(id, reader)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(one.service.cancel(id, reader)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    const again = await one.service.retry(id, LOCAL);
    expect(again.id).not.toBe(id);
    expect(await test.catalog.jobList.request(again.id)).toEqual({
      kind: 'SWEEP',
      parameters: { upTo: 35, failuresOf: id },
    });
    const complete = await begin(one, 4);
    await ended(complete);
    await expect(one.service.retry(complete, LOCAL)).rejects.toMatchObject({ code: 'JOB_STATE' });
    await expect(one.service.retry(uuidv7(), LOCAL)).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
  });

  // On the embedded database every other process is taken for gone, because only one can be open.
  it.skipIf(kind === 'embedded')('are each done once by several processes', async () => {
    const done: string[] = [];
    const counts = counting(async (at, { id }) => void done.push(`${id} ${at}`));
    const servers = [server(counts, new Jobs(test.catalog.database), 2), server(counts)];
    const ids: string[] = [];
    for (let i = 0; i < 6; i += 1) ids.push(await begin(servers[i % 2] ?? server(counts)));
    for (const id of ids) expect(await ended(id)).toMatchObject({ ...COUNTED, state: 'succeeded' });
    expect(done.sort()).toEqual(ids.flatMap((id) => stepsOf(35).map((at) => `${id} ${at}`)).sort());
  });

  describe('in the list', () => {
    it('are paged with trainings and evaluations, the newest first', async () => {
      const one = server(counting(), test.catalog.jobs, 0);
      const id = await begin(one);
      const run = uuidv7();
      const { encoders, encoderEvaluations, encoderRuns } = test.catalog;
      const request = { imageExtractor: 'i', textExtractor: 't' };
      await encoderRuns.enqueue({ id: run, ...request, request: {} as never });
      const ready = uuidv7();
      await encoders.create(
        { id: ready, dimension: 2, ...request, config: {}, report: {} },
        Uint8Array.of(1),
      );
      await encoderEvaluations.begin(ready);
      const all = { states: null, kinds: null };
      const kinds: string[] = [];
      for (let after: string | null = null; ; ) {
        const page = await one.service.page(all, 1, after);
        kinds.push(...page.edges.map(({ node }) => `${node.kind} ${node.state}`));
        after = page.edges[0]?.cursor ?? null;
        expect(await page.count()).toBe(4);
        if (!page.hasNextPage) break;
      }
      expect(kinds).toEqual(['EVALUATION running', 'TRAINING succeeded', 'TRAINING queued', 'SWEEP queued']);
      const { edges } = await one.service.page(
        { states: ['queued'], kinds: ['TRAINING', 'SWEEP'] },
        10,
        null,
      );
      expect(edges.map(({ node }) => node.id)).toEqual([run, id]);
      const [evaluation] = (await one.service.page({ states: ['running'], kinds: null }, 1, null)).edges;
      expect(await one.service.byId(evaluation?.node.id ?? '')).toEqual(evaluation?.node);
      const wrong = one.service.page({ states: ['failed'], kinds: null }, 1, evaluation?.cursor ?? '');
      await expect(wrong).rejects.toMatchObject({ code: 'BAD_CURSOR' });
      await test.catalog.database.runOnce('TRUNCATE encoder CASCADE');
    });
  });
});
