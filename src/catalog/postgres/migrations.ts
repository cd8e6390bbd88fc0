import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromPackageRoot } from '../../platform/package-root.js';

/** A migration file in Prisma's layout, `migrations/NAME/migration.sql`. */
export interface Migration {
  readonly name: string;
  readonly sql: string;
  /** Hex sha256 of the file, as Prisma's tool records it. */
  readonly checksum: string;
  /** The same for the other kind of line ends, which a checkout on another system may have. */
  readonly otherChecksum: string;
}

/** All migrations in the order in which they are applied. */
export async function readMigrations(folder = fromPackageRoot('migrations')): Promise<Migration[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return Promise.all(
    names.sort().map(async (name) => {
      const sql = await readFile(join(folder, name, 'migration.sql'), 'utf8');
      const other = sql.includes('\r\n') ? sql.replaceAll('\r\n', '\n') : sql.replaceAll('\n', '\r\n');
      return { name, sql, checksum: sha256(sql), otherChecksum: sha256(other) };
    }),
  );
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Strings, names and comments, in which a semicolon does not end a statement; then semicolons; then the rest. */
const TOKENS = /'[^']*'|"[^"]*"|\$([A-Za-z_]*)\$[\s\S]*?\$\1\$|--[^\n]*|\/\*[\s\S]*?\*\/|;|[\s\S]/g;

/** The statements of a file, which may not nest comments or escape quotes by a backslash. Comments between them are left out. */
export function statementsOf(sql: string): string[] {
  const statements = [''];
  for (const [token] of sql.matchAll(TOKENS)) {
    if (token === ';') statements.push('');
    else if (!token.startsWith('--') && !token.startsWith('/*')) statements[statements.length - 1] += token;
  }
  return statements.map((statement) => statement.trim()).filter((statement) => statement !== '');
}
