import { expect, it } from 'vitest';
import { fuzz } from '../fuzz/fuzz.js';

/** `npm run fuzz` sends more requests, and sends one again by its number. */
const SEED = 20_26;

it('answers 1,000 requests drawn from the schema without an internal error, a leak or a crash', async () => {
  const { faults, fields, peakMegabytes, seconds, slowestMs } = await fuzz({ requests: 1_000, seed: SEED });
  console.log(
    `1,000 requests in ${Math.round(seconds)} s, the slowest ${Math.round(slowestMs)} ms, ${peakMegabytes} MB`,
  );
  expect(faults.map(({ request, what }) => `request ${request} of seed ${SEED}: ${what}`)).toEqual([]);
  const sent = [...fields.values()];
  expect(Math.min(...sent.map((field) => field.sent))).toBeGreaterThan(5);
  // Requests reach the product: they are not all refused.
  const answered = sent.reduce((sum, field) => sum + field.answered, 0);
  expect(answered).toBeGreaterThan(200);
}, 600_000);
