import { z } from 'zod';
import type { ItemFilter } from '../../domain/filter.js';
import { MODALITIES, type Modality } from '../../domain/modality.js';
import type { Database } from '../postgres/database.js';
import { estimatedFilterSql, filterSql, modalitySql, Parameters } from './filter-sql.js';

/** An estimate of so many times the limit is not checked by counting. */
const SURELY_MANY = 2;
/** Limits are rounded up to this, times a power of two, so that the rankings of one search share a count. */
const LEAST_COUNTED = 1_000;

const matchCount = z.object({ matches: z.number() });
const plan = z.object({ 'Plan Rows': z.number() });
/** Citus explains the statements that it sends to nodes within its own plan, which has no estimate. */
const sent = z.object({
  Job: z.object({
    'Task Count': z.number(),
    Tasks: z.array(z.object({ 'Remote Plan': z.array(z.array(z.object({ Plan: plan }))) })),
  }),
});
const estimatedRows = z
  .object({
    'QUERY PLAN': z.tuple([z.object({ Plan: plan.extend({ 'Distributed Query': sent.optional() }) })]),
  })
  .transform(({ 'QUERY PLAN': [{ Plan }] }) => {
    const job = Plan['Distributed Query']?.Job;
    if (job === undefined) return Plan['Plan Rows'];
    // Citus explains one of the tasks, which are one for each shard.
    const rows = job.Tasks.flatMap((task) => task['Remote Plan'].flat()).map(
      (node) => node.Plan['Plan Rows'],
    );
    return (sum(rows) / job.Tasks.length) * job['Task Count'];
  });

type Known = Map<string, Promise<number>>;

/**
 * How many items match a filter. What was found out is kept as long as the filter object: all rankings of one search have
 * the same one.
 */
export class FilterMatches {
  private readonly known = new WeakMap<ItemFilter, Known>();

  constructor(private readonly db: Database) {}

  /**
   * Whether more than `limit` items match. The planner's estimate answers where it is far above the limit: counting would cost
   * as much as the search. A wrong estimate costs time alone, because a page that an index scan does not fill is answered
   * exactly.
   *
   * @param target null counts both modalities
   */
  async moreThan(filter: ItemFilter | null, target: Modality | null, limit: number): Promise<boolean> {
    if (filter === null) return true;
    const known: Known = this.known.get(filter) ?? new Map();
    this.known.set(filter, known);
    const modalities = target === null ? MODALITIES : [target];
    const estimates = await Promise.all(
      modalities.map((modality) =>
        once(known, `estimate ${modality}`, () => this.estimate(filter, modality)),
      ),
    );
    if (sum(estimates) > SURELY_MANY * limit) return true;
    const most = LEAST_COUNTED * 2 ** Math.max(0, Math.ceil(Math.log2(limit / LEAST_COUNTED)));
    const counts = await Promise.all(
      modalities.map((modality) =>
        once(known, `${modality} up to ${most}`, () => this.count(filter, modality, most + 1)),
      ),
    );
    return sum(counts) > limit;
  }

  private async estimate(filter: ItemFilter, modality: Modality): Promise<number> {
    const conditionOf = this.db.distributed ? estimatedFilterSql : filterSql;
    const { text, values } = matching(filter, modality, new Parameters(), conditionOf);
    const [plan] = await this.db.runOnce(`EXPLAIN (FORMAT JSON) ${text}`, values);
    return estimatedRows.parse(plan);
  }

  /** At most `limit`. */
  private async count(filter: ItemFilter, modality: Modality, limit: number): Promise<number> {
    const parameters = new Parameters();
    const { text, values } = matching(filter, modality, parameters);
    const [row] = await this.db.runOnce(
      `SELECT count(*)::int AS matches FROM (${text} LIMIT ${parameters.add(limit)}) m`,
      values,
    );
    return matchCount.parse(row).matches;
  }
}

function matching(filter: ItemFilter, modality: Modality, parameters: Parameters, conditionOf = filterSql) {
  const text = `SELECT 1 FROM item i WHERE i.modality = ${modalitySql(modality)} AND ${conditionOf(filter, parameters)}`;
  return { text, values: parameters.values };
}

/** A failure is not kept. */
function once(known: Known, key: string, read: () => Promise<number>): Promise<number> {
  const found = known.get(key) ?? read();
  known.set(key, found);
  found.catch(() => known.delete(key));
  return found;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
