// Creates migrations/embedded-template.tar.br: an embedded database with all migrations applied. A first start unpacks it
// instead of running initdb. Run it after `npm run build` when a migration is added or PGlite is updated.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { PGlite } from '@electric-sql/pglite';
import { pg_trgm } from '@electric-sql/pglite/contrib/pg_trgm';
import { vector } from '@electric-sql/pglite-pgvector';
import { connect } from '../dist/catalog/postgres/connect.js';
import { currentOrigin, TEMPLATE, TEMPLATE_ORIGIN } from '../dist/catalog/postgres/embedded-template.js';
import { fromPackageRoot } from '../dist/platform/package-root.js';

const folder = await mkdtemp(join(tmpdir(), 'commonspace-template-'));
try {
  const database = await connect({ dataDir: folder, useTemplate: false });
  await database.runOnce('VACUUM (FULL, ANALYZE)');
  await database.close();
  const db = await PGlite.create(join(folder, 'postgres'), { extensions: { vector, pg_trgm } });
  // Replaces the log segments that initdb filled with an empty one, which makes the file 4 MB smaller.
  await db.exec('SET wal_recycle = off');
  await db.exec('SELECT pg_switch_wal()');
  await db.exec('CHECKPOINT');
  await db.exec('CHECKPOINT');
  const tar = Buffer.from(await (await db.dumpDataDir('none')).arrayBuffer());
  // The three databases of the server are almost identical. Brotli's window of 16 MB covers them; gzip's window does not.
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_LGWIN } = constants;
  const dump = brotliCompressSync(tar, { params: { [BROTLI_PARAM_QUALITY]: 9, [BROTLI_PARAM_LGWIN]: 24 } });
  await db.close();
  await writeFile(fromPackageRoot(TEMPLATE), dump);
  await writeFile(fromPackageRoot(TEMPLATE_ORIGIN), `${JSON.stringify(await currentOrigin(), null, 2)}\n`);
  console.log(`${TEMPLATE}: ${(dump.length / 1e6).toFixed(1)} MB`);
} finally {
  await rm(folder, { recursive: true, force: true });
}
