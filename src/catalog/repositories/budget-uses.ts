import { z } from 'zod';
import type { Database } from '../postgres/database.js';

/** What a caller has used of its budgets, as the seconds in which it comes back. */
export interface CallerUse {
  readonly caller: string;
  readonly cost: number;
  readonly bytes: number;
}

const uses = z.array(z.object({ caller: z.string(), cost: z.number(), bytes: z.number() }));

/** Rows that nothing is left of are kept for this time, so that rows in use are not removed and inserted again. */
const KEPT = "interval '10 minutes'";

/**
 * What callers have used of all servers. A row has the times at which the budgets of a caller are whole again, by the clock of the database.
 * They are not in the write-ahead log, so a crash of the database empties the table.
 */
export class BudgetUses {
  constructor(private readonly db: Database) {}

  /**
   * Adds what one server knows of, in one statement for all callers.
   *
   * @returns what has not come back yet, of all callers and all servers
   */
  async exchange(used: readonly CallerUse[]): Promise<CallerUse[]> {
    // Two servers lock the rows in the same order.
    const sorted = [...used].sort((a, b) => (a.caller < b.caller ? -1 : 1));
    const rows = await this.db.run(
      `WITH used AS (SELECT * FROM unnest($1::text[], $2::float8[], $3::float8[]) AS u (caller, cost, bytes)),
         added AS (INSERT INTO budget_use AS b (caller, cost_until, bytes_until)
           SELECT caller, CURRENT_TIMESTAMP + cost * interval '1 second', CURRENT_TIMESTAMP + bytes * interval '1 second' FROM used
           ON CONFLICT (caller) DO UPDATE SET
             cost_until = GREATEST(b.cost_until, CURRENT_TIMESTAMP) + (EXCLUDED.cost_until - CURRENT_TIMESTAMP),
             bytes_until = GREATEST(b.bytes_until, CURRENT_TIMESTAMP) + (EXCLUDED.bytes_until - CURRENT_TIMESTAMP)
           RETURNING caller, cost_until, bytes_until),
         removed AS (DELETE FROM budget_use WHERE caller IN (SELECT caller FROM budget_use
           WHERE GREATEST(cost_until, bytes_until) < CURRENT_TIMESTAMP - ${KEPT} AND caller NOT IN (SELECT caller FROM used) FOR UPDATE SKIP LOCKED))
       SELECT caller, ${secondsTo('cost_until')} AS cost, ${secondsTo('bytes_until')} AS bytes FROM (
         SELECT caller, cost_until, bytes_until FROM added
         UNION ALL SELECT caller, cost_until, bytes_until FROM budget_use
           WHERE caller NOT IN (SELECT caller FROM used) AND GREATEST(cost_until, bytes_until) > CURRENT_TIMESTAMP) AS every`,
      [sorted.map(({ caller }) => caller), sorted.map(({ cost }) => cost), sorted.map(({ bytes }) => bytes)],
    );
    return uses.parse(rows);
  }
}

function secondsTo(column: string): string {
  return `GREATEST(0, EXTRACT(EPOCH FROM ${column} - CURRENT_TIMESTAMP))::float8`;
}
