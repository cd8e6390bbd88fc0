import { describe, expect, it } from 'vitest';
import { createGate } from '../../src/platform/gate.js';

/** Lets promises that are ready go on. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('a gate', () => {
  it('admits work in order, up to its capacity', async () => {
    const gate = createGate(10);
    const admitted: string[] = [];
    const enter = async (name: string, weight: number) => {
      const release = await gate.acquire(weight);
      admitted.push(name);
      return release;
    };
    const first = await enter('first', 6);
    const second = enter('heavy', 5);
    const third = enter('light', 1);
    await settle();
    // The light one does not overtake the heavy one.
    expect(admitted).toEqual(['first']);
    expect(gate.waiting).toBe(2);
    first();
    first();
    (await second)();
    (await third)();
    expect(admitted).toEqual(['first', 'heavy', 'light']);
    (await enter('too heavy', 50))();
    await gate.run(10, async () => admitted.push('all'));
    expect(admitted.slice(3)).toEqual(['too heavy', 'all']);
  });

  it('lets a caller that is cancelled leave, and the ones behind it enter', async () => {
    const gate = createGate(10);
    const release = await gate.acquire(8);
    const cancel = new AbortController();
    const heavy = gate.acquire(9, cancel.signal);
    const light = gate.acquire(2);
    cancel.abort();
    await expect(heavy).rejects.toMatchObject({ code: 'CANCELLED' });
    (await light)();
    release();
    await expect(gate.acquire(1, cancel.signal)).rejects.toMatchObject({ code: 'CANCELLED' });
    (await gate.acquire(10))();
    expect(gate.waiting).toBe(0);
  });

  it('is free again after work that fails', async () => {
    const gate = createGate(1);
    await expect(gate.run(1, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await gate.run(1, async () => 'yes')).toBe('yes');
  });
});
