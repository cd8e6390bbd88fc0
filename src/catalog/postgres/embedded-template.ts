import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { z } from 'zod';
import { fromPackageRoot } from '../../platform/package-root.js';
import { readMigrations } from './migrations.js';

/**
 * An embedded database with the migrations applied, dumped, so that a first start need not run initdb (6 s).
 * `node scripts/make-template.mjs` remakes it; a test fails when it is out of date, and then it is not used.
 */
export const TEMPLATE = 'migrations/embedded-template.tar.br';
export const TEMPLATE_ORIGIN = 'migrations/embedded-template.json';

const templateOrigin = z.object({
  /** Version of the package that made it: another one may read its files differently. */
  pglite: z.string(),
  /** Checksums of the migrations in it, by name. */
  migrations: z.record(z.string(), z.string()),
});
export type TemplateOrigin = z.infer<typeof templateOrigin>;

/** What a template made now would say of itself. */
export async function currentOrigin(): Promise<TemplateOrigin> {
  const require = createRequire(import.meta.url);
  // The package exports no package.json; its entry stands in dist/ beside it.
  const manifest = require.resolve('@electric-sql/pglite').replace(/dist[\\/][^\\/]*$/, 'package.json');
  const { version } = z.object({ version: z.string() }).parse(JSON.parse(await readFile(manifest, 'utf8')));
  const migrations = await readMigrations();
  return { pglite: version, migrations: Object.fromEntries(migrations.map((m) => [m.name, m.checksum])) };
}

/** Path of the template if it fits this version of everything, else null: then initdb does the work. */
export async function findTemplate(): Promise<string | null> {
  try {
    const made = templateOrigin.parse(JSON.parse(await readFile(fromPackageRoot(TEMPLATE_ORIGIN), 'utf8')));
    const current = await currentOrigin();
    // Migrations that came after it was made are applied to it like to any older database.
    const fits = Object.entries(made.migrations).every(([name, sum]) => current.migrations[name] === sum);
    return fits && made.pglite === current.pglite ? fromPackageRoot(TEMPLATE) : null;
  } catch {
    return null;
  }
}
