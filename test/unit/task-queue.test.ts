import { afterAll, describe, expect, it } from 'vitest';
import { ExtractorPools } from '../../src/features/extractor-pools.js';
import { TaskQueue } from '../../src/features/task-queue.js';

/** A task that ends when the test calls `end`. */
function controlled() {
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { end, task: () => ended };
}

describe('the queue of the extractor threads', () => {
  it('runs tasks in order, a few at once, and refuses one too many', async () => {
    const queue = new TaskQueue(1, 2);
    const order: number[] = [];
    const first = controlled();
    const work = [
      queue.run(first.task),
      ...[1, 2].map((i) =>
        queue.run(async () => {
          order.push(i);
        }),
      ),
    ];
    await expect(queue.run(async () => order.push(3))).rejects.toMatchObject({ code: 'BUSY' });
    const background = queue.run(async () => order.push(4), { background: true });
    first.end();
    await Promise.all([...work, background]);
    expect(order).toEqual([1, 2, 4]);
    expect(await queue.run(async () => 'free again')).toBe('free again');
  });

  it('drops a task whose caller has gone, and gives its place to another', async () => {
    const queue = new TaskQueue(1, 1);
    const gone = new AbortController();
    const first = controlled();
    const running = queue.run(first.task);
    let begun = false;
    const waiting = queue.run(
      async () => {
        begun = true;
      },
      { signal: gone.signal },
    );
    gone.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
    const next = queue.run(async () => 'next');
    first.end();
    await running;
    expect(await next).toBe('next');
    expect(begun).toBe(false);
    await expect(queue.run(first.task, { signal: gone.signal })).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('loses no place where a task is cancelled at the moment of its turn', async () => {
    const queue = new TaskQueue(1, 5);
    const gone = new AbortController();
    const first = controlled();
    const running = queue.run(first.task);
    const waiting = queue.run(async () => 'second', { signal: gone.signal });
    first.end();
    await running;
    gone.abort();
    await waiting.catch(() => {});
    expect(await queue.run(async () => 'third')).toBe('third');
  });

  describe('of a pool', () => {
    const pools = new ExtractorPools(1, { queries: 3, batches: 3 });
    afterAll(() => pools.close());

    it('is limited', async () => {
      const work = Array.from({ length: 8 }, () => pools.ask('backendReport', undefined));
      const results = await Promise.allSettled(work);
      expect(results.map(({ status }) => status)).toEqual([
        ...new Array(5).fill('fulfilled'),
        ...new Array(3).fill('rejected'),
      ]);
      const refused = results.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
      for (const error of refused) expect(error).toMatchObject({ code: 'BUSY' });
    });
  });
});
