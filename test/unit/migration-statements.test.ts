import { expect, it } from 'vitest';
import { readMigrations, statementsOf } from '../../src/catalog/postgres/migrations.js';

it('splits a migration into its statements, and not within strings, names, bodies and comments', () => {
  const sql = `-- A first; with a semicolon
CREATE TABLE "a;b" ("x" TEXT DEFAULT 'it''s; so'); /* not; here */
DO $$ BEGIN PERFORM 1; PERFORM 2; END $$;
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $body$ SELECT '$$;'::text; SELECT 1; $body$;

-- the end;
SELECT 1 - 2
`;
  expect(statementsOf(sql)).toEqual([
    `CREATE TABLE "a;b" ("x" TEXT DEFAULT 'it''s; so')`,
    'DO $$ BEGIN PERFORM 1; PERFORM 2; END $$',
    `CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $body$ SELECT '$$;'::text; SELECT 1; $body$`,
    'SELECT 1 - 2',
  ]);
});

it('finds statements that begin with a word of SQL in all migrations', async () => {
  for (const { name, sql } of await readMigrations()) {
    const statements = statementsOf(sql);
    expect(statements.length, name).toBeGreaterThan(0);
    for (const statement of statements)
      expect(statement, name).toMatch(/^(ALTER|CREATE|DO|DROP|INSERT|UPDATE|DELETE)\b/);
  }
});
