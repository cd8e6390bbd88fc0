import { spellingOf } from '../../domain/lexical/spelling.js';
import { TITLE_MARKER } from '../../domain/lexical/whole-title.js';
import { repeatConflicts } from '../postgres/conflicts.js';
import type { Database, Queryable } from '../postgres/database.js';

/** One server counts at a time. */
const COUNT_LOCK = 1_937_207_154;

/**
 * Adds lexemes that are new. It runs outside of the transaction that stores the items: an insertion waits for another one
 * of the same word until that commits, which here is one statement long, and the order rules out deadlocks.
 */
export async function addWords(db: Queryable, words: ReadonlySet<string>): Promise<void> {
  const rows = [...words].map((word) => ({ word, documents: null }));
  await repeatConflicts(() => insertWords(db, rows));
}

interface WordRow {
  readonly word: string;
  readonly documents: number | null;
}

async function insertWords(db: Queryable, rows: readonly WordRow[]): Promise<void> {
  if (rows.length === 0) return;
  await db.run(
    `INSERT INTO word (word, spelling, documents)
     SELECT a.word, a.spelling, a.documents FROM unnest($1::text[], $2::text[], $3::int[]) AS a (word, spelling, documents)
     WHERE NOT EXISTS (SELECT 1 FROM word w WHERE w.word = a.word)
     ORDER BY a.word COLLATE "C" ON CONFLICT DO NOTHING`,
    [
      rows.map(({ word }) => word),
      rows.map(({ word }) => spellingOf(word)),
      rows.map(({ documents }) => documents),
    ],
  );
}

/**
 * Counts the items of each word. Words that no item has any more are removed by the second count that misses them: a
 * new word may precede its item.
 */
export async function countWords(db: Database): Promise<void> {
  await db.transaction(async (tx) => {
    const [lock] = await tx.run<{ free: boolean }>('SELECT pg_try_advisory_xact_lock($1) AS free', [
      COUNT_LOCK,
    ]);
    if (!lock?.free) return;
    // A table of its own: a statement that writes cannot also read items on a distributed database.
    await tx.runOnce(
      `CREATE TEMPORARY TABLE counted ON COMMIT DROP AS
         SELECT word COLLATE "C" AS word, ndoc FROM ts_stat('SELECT lexemes FROM item WHERE lexemes IS NOT NULL')
         WHERE NOT starts_with(word, '${TITLE_MARKER}')
         UNION ALL SELECT '', count(*)::int FROM item`,
    );
    await tx.runOnce('ANALYZE counted');
    const missing = await tx.runOnce<WordRow>(
      `WITH gone AS (
         DELETE FROM word w WHERE w.documents = 0 AND NOT EXISTS (SELECT 1 FROM counted c WHERE c.word = w.word)),
       unused AS (
         UPDATE word w SET documents = 0
         WHERE w.documents IS DISTINCT FROM 0 AND NOT EXISTS (SELECT 1 FROM counted c WHERE c.word = w.word)),
       -- A count that is 5 % off does as well, and leaves most rows of a large vocabulary alone.
       used AS (
         UPDATE word w SET documents = c.ndoc FROM counted c
         WHERE w.word = c.word AND (w.documents IS NULL OR abs(w.documents - c.ndoc) > w.documents * .05))
       SELECT c.word, c.ndoc AS documents FROM counted c WHERE NOT EXISTS (SELECT 1 FROM word w WHERE w.word = c.word)`,
    );
    await insertWords(tx, missing);
  });
}
