import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { inLanes } from '../../src/features/task-lanes.js';

describe('inLanes', () => {
  it('keeps the order of the jobs and the number of lanes', async () => {
    let running = 0;
    let most = 0;
    const results = await inLanes([5, 1, 4, 2, 3], 2, async (job) => {
      running += 1;
      most = Math.max(most, running);
      for (let i = 0; i < job; i += 1) await nextTurn();
      running -= 1;
      return job * 10;
    });
    expect(results).toEqual([50, 10, 40, 20, 30]);
    expect(most).toBe(2);
  });

  it('starts no further job after one has failed', async () => {
    const begun: number[] = [];
    const all = inLanes([0, 1, 2, 3, 4, 5], 2, async (job) => {
      begun.push(job);
      await nextTurn();
      if (job === 1) throw new Error('the second');
    });
    await expect(all).rejects.toThrow('the second');
    await nextTurn();
    expect(begun.length).toBeLessThan(6);
  });

  it('rejects at once on an abort, and starts no further job', async () => {
    const controller = new AbortController();
    const begun: number[] = [];
    let finish = () => {};
    const all = inLanes(
      [0, 1, 2],
      1,
      (job) => {
        begun.push(job);
        return new Promise<void>((resolve) => {
          finish = resolve;
        });
      },
      controller.signal,
    );
    controller.abort();
    await expect(all).rejects.toMatchObject({ code: 'CANCELLED' });
    finish();
    await nextTurn();
    expect(begun).toEqual([0]);
  });

  it('starts no job if the signal is already aborted', async () => {
    const begun: number[] = [];
    const all = inLanes([0, 1], 1, async (job) => begun.push(job), AbortSignal.abort());
    await expect(all).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(begun).toEqual([]);
  });

  it('resolves at once without jobs', async () => {
    expect(await inLanes([], 4, async () => 1)).toEqual([]);
  });
});
