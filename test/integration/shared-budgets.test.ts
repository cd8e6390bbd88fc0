import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Catalog } from '../../src/catalog/catalog.js';
import { BudgetUses } from '../../src/catalog/repositories/budget-uses.js';
import type { Caller } from '../../src/domain/access.js';
import { CommonspaceError } from '../../src/domain/errors.js';
import { BudgetExchange } from '../../src/services/access/budget-exchange.js';
import { Budgets } from '../../src/services/access/budgets.js';
import { describeOnEachKind, openTestCatalog, type TestCatalog } from '../support/catalog.js';

const PER_MINUTE = { cost: 60, bytes: 600 };
const caller = (keyId: string): Caller => ({ keyId, name: 'a key', scopes: ['read'] });

describeOnEachKind('budgets of several servers', (kind) => {
  let test: TestCatalog;
  let catalog: Catalog;
  /** Milliseconds of the clocks of the servers; that of the database goes on by itself. */
  let ms = 0;
  const server = () => {
    const budgets = new Budgets(PER_MINUTE, () => ms);
    return { budgets, exchange: new BudgetExchange(budgets, catalog.budgetUses) };
  };
  /** As after this time. */
  const wait = async (seconds: number) => {
    ms += seconds * 1000;
    await catalog.database.run(
      `UPDATE budget_use SET cost_until = cost_until - $1 * interval '1 second', bytes_until = bytes_until - $1 * interval '1 second'`,
      [seconds],
    );
  };
  const leftOf = ({ budgets }: ReturnType<typeof server>, key: string) =>
    budgets.of(caller(key)).cost()?.left ?? Number.NaN;

  beforeAll(async () => {
    test = await openTestCatalog(kind);
    catalog = test.catalog;
  });
  beforeEach(() => catalog.database.run('TRUNCATE budget_use'));
  afterAll(() => test.dispose());

  it('hold over all of them after an exchange, for callers that the others have not seen too', async () => {
    const [one, two] = [server(), server()];
    one.budgets.of(caller('a')).takeCost(40);
    one.budgets.of(caller('a')).takeBytes(600);
    two.budgets.of(caller('b')).takeCost(60);
    await one.exchange.once();
    await two.exchange.once();
    expect(leftOf(two, 'a')).toBeGreaterThanOrEqual(20);
    expect(leftOf(two, 'a')).toBeLessThan(30);
    two.budgets.of(caller('a')).takeCost(20);
    expect(() => two.budgets.of(caller('a')).takeBytes(100)).toThrow('Try again in');
    await two.exchange.once();
    await one.exchange.once();
    expect(() => one.budgets.of(caller('a')).takeCost(30)).toThrow('Try again in');
    expect(() => one.budgets.of(caller('b')).takeCost(30)).toThrow('Try again in');
    expect(leftOf(one, 'c')).toBe(60);
  });

  it('take what was too much from what comes back', async () => {
    const [one, two] = [server(), server()];
    for (const { budgets } of [one, two]) budgets.of(caller('a')).takeCost(60);
    await one.exchange.once();
    await two.exchange.once();
    await one.exchange.once();
    const error = await refusalOf(() => one.budgets.of(caller('a')).takeCost(1));
    expect(error.retryAfter).toBeGreaterThan(50);
    await wait(62);
    await one.exchange.once();
    one.budgets.of(caller('a')).takeCost(1);
    await wait(120);
    await two.exchange.once();
    expect(leftOf(two, 'a')).toBe(60);
  });

  it('outlast a restart, and rows that nothing is left of are removed', async () => {
    const one = server();
    one.exchange.start();
    one.budgets.of(caller('a')).takeCost(60);
    await one.exchange.stop();
    const again = server();
    await again.exchange.once();
    expect(leftOf(again, 'a')).toBeLessThan(30);
    await wait(3600);
    await again.exchange.once();
    expect(await catalog.database.run('SELECT caller FROM budget_use')).toEqual([]);
  });

  it('are counted by each for itself while the database does not answer, and again together afterwards', async () => {
    const one = server();
    const broken = new BudgetExchange(one.budgets, {
      exchange: () => Promise.reject(new CommonspaceError('DATABASE_UNREACHABLE', 'gone')),
    });
    one.budgets.of(caller('a')).takeCost(60);
    await expect(broken.once()).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE' });
    expect(() => one.budgets.of(caller('a')).takeCost(1)).toThrow('Try again in');
    ms += 30_000;
    one.budgets.of(caller('a')).takeCost(20);
    await one.exchange.once();
    const two = server();
    await two.exchange.once();
    // 30 have come back of 80.
    expect(leftOf(two, 'a')).toBeGreaterThanOrEqual(10);
    expect(leftOf(two, 'a')).toBeLessThan(20);
  });

  it('are written by several at once without a conflict', async () => {
    const uses = Array.from({ length: 8 }, () => new BudgetUses(catalog.database));
    const keys = Array.from({ length: 200 }, (_, i) => `key ${i}`);
    for (let round = 0; round < 5; round += 1) {
      await Promise.all(
        uses.map((one, i) =>
          one.exchange(
            (i % 2 ? keys : keys.toReversed()).map((key) => ({ caller: key, cost: 100, bytes: 0 })),
          ),
        ),
      );
    }
    const all = await new BudgetUses(catalog.database).exchange([]);
    expect(all.length).toBe(keys.length);
    // What drained meanwhile is missing.
    for (const { cost, bytes } of all) {
      expect(cost).toBeGreaterThan(3_900);
      expect(cost).toBeLessThanOrEqual(4_000);
      expect(bytes).toBe(0);
    }
  });
});

async function refusalOf(work: () => void): Promise<CommonspaceError> {
  try {
    work();
  } catch (error) {
    if (error instanceof CommonspaceError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}
