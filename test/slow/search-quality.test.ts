import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SearchQualityRecord } from '../../src/services/evaluate/search-quality/search-quality-record.js';
import type { RankedQuery } from '../../src/services/evaluate/search-quality/search-quality-service.js';
import { ingestShapes, openTestApp, QUICK, type TestApp } from '../support/app.js';

let app: TestApp;
let record: SearchQualityRecord;
const ranked: RankedQuery[] = [];
let before: string;

/** All that a search reads. */
async function contents(): Promise<string> {
  const tables = ['item', 'pair', 'feature', 'embedding', 'word', 'encoder'];
  const hash = createHash('sha256');
  for (const table of tables) {
    const rows = await app.catalog.database.run<{ row: string }>(
      `SELECT row_to_json(t)::text AS row FROM ${table} t ORDER BY 1`,
    );
    for (const { row } of rows) hash.update(row);
  }
  return hash.digest('hex');
}

beforeAll(async () => {
  app = await openTestApp();
  await ingestShapes(app);
  await app.training.train({ ...QUICK, epochs: 6 });
  await app.catalog.words.count();
  before = await contents();
  record = await app.searchQuality.measure(
    { pairs: 40, queries: { every: 6, 'held-out': 4 }, seed: 2, styleKey: null },
    { onRanked: (one) => ranked.push(one) },
  );
}, 240_000);
afterAll(() => app.close());

describe('the measurement of searches', () => {
  it('leaves the catalogue unchanged', async () => {
    expect(await contents()).toBe(before);
  });

  it('has a row for each pool, target, form and scenario', () => {
    expect(record.pairs).toBe(40);
    expect(record.images).toBe(40);
    expect(record.texts).toBe(40);
    const keys = record.rows.map(
      ({ pool, target, form, scenario }) => `${pool} ${target} ${form} ${scenario}`,
    );
    expect(new Set(keys).size).toBe(keys.length);
    for (const pool of ['every', 'held-out'])
      for (const form of ['words', 'typo', 'full']) {
        for (const scenario of ['all', 'half', 'none'])
          expect(keys).toContain(`${pool} IMAGE ${form} ${scenario}`);
        expect(keys).toContain(`${pool} TEXT ${form} all`);
      }
    // No item has a title, and no pair has two pictures.
    expect(keys.filter((key) => / (name|image) /.test(key))).toEqual([]);
    expect(record.notes.join(' ')).toMatch(/by picture.*by name/);
  });

  it('adds up', () => {
    for (const row of record.rows) {
      expect(row.queries).toBe(row.pool === 'every' ? 6 : 4);
      expect(row.calibration.results).toBe(row.queries);
      expect(row.cutOff.right + row.cutOff.wrong).toBe(10 * row.queries);
      expect(row.methods.DEFAULT?.top1.value).toBe(row.calibration.shareRight);
      for (const figures of Object.values(row.methods))
        for (const { value, low, high } of Object.values(figures ?? {})) {
          expect(value).toBeGreaterThanOrEqual((low ?? 1) - 1e-9);
          expect(value).toBeLessThanOrEqual((high ?? 0) + 1e-9);
        }
    }
    for (const total of record.totals) {
      const rows = record.rows.filter(({ pool, target }) => pool === total.pool && target === total.target);
      expect(total.calibration.results).toBe(rows.reduce((sum, { queries }) => sum + queries, 0));
      expect(total.cutOff.right).toBe(rows.reduce((sum, { cutOff }) => sum + cutOff.right, 0));
    }
  });

  it('takes the captions of a scenario away', () => {
    const methods = (scenario: string) =>
      record.rows.find((row) => row.target === 'IMAGE' && row.form === 'full' && row.scenario === scenario)
        ?.methods;
    // A whole caption finds its own picture by its caption; without captions, there is only CONTENT.
    expect(methods('all')?.COUNTERPART?.['recall@10'].value).toBe(1);
    expect(methods('none')).toMatchObject({ COUNTERPART: null, LEXICAL: null, BORROWED: null });
    expect(methods('none')?.DEFAULT).toEqual(methods('none')?.CONTENT);
    const lacking = ranked
      .filter(({ scenario, target }) => scenario === 'half' && target === 'IMAGE')
      .map(({ ranking }) =>
        ranking.candidates.filter(({ similarities }) => similarities.COUNTERPART === undefined),
      );
    for (const candidates of lacking) {
      expect(candidates.length).toBeGreaterThan(8);
      expect(candidates.length).toBeLessThan(32);
    }
  });
});
