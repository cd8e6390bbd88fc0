import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { z } from 'zod';
import { fromPackageRoot } from '../../platform/package-root.js';
import { readMigrations } from './migrations.js';

/**
 * A dump of an embedded database with the migrations applied, so that a first start does not run initdb (6 s).
 * `node scripts/make-template.mjs` creates it. A test fails if it is out of date; it is not used then.
 */
export const TEMPLATE = 'migrations/embedded-template.tar.br';
export const TEMPLATE_ORIGIN = 'migrations/embedded-template.json';

const templateOrigin = z.object({
  /** Version of the package that created it. Another version may have another file format. */
  pglite: z.string(),
  /** Checksums of the migrations in it, by name. */
  migrations: z.record(z.string(), z.string()),
});
export type TemplateOrigin = z.infer<typeof templateOrigin>;

/** The origin of a template that is created now. */
export async function currentOrigin(): Promise<TemplateOrigin> {
  const require = createRequire(import.meta.url);
  // The package does not export its package.json, which is beside the dist/ of its entry.
  const manifest = require.resolve('@electric-sql/pglite').replace(/dist[\\/][^\\/]*$/, 'package.json');
  const { version } = z.object({ version: z.string() }).parse(JSON.parse(await readFile(manifest, 'utf8')));
  const migrations = await readMigrations();
  return { pglite: version, migrations: Object.fromEntries(migrations.map((m) => [m.name, m.checksum])) };
}

/** Path of the template; null if it does not fit this version, so that initdb must run. */
export async function findTemplate(): Promise<string | null> {
  try {
    const made = templateOrigin.parse(JSON.parse(await readFile(fromPackageRoot(TEMPLATE_ORIGIN), 'utf8')));
    const current = await currentOrigin();
    // Later migrations are applied to it as to any older database.
    const fits = Object.entries(made.migrations).every(([name, sum]) => current.migrations[name] === sum);
    return fits && made.pglite === current.pglite ? fromPackageRoot(TEMPLATE) : null;
  } catch {
    return null;
  }
}
