import { randomBytes } from 'node:crypto';
import type { Database } from '../postgres/database.js';

/** The secret of all servers on the database; the first one that needs it makes it. */
export async function serverSecret(db: Database): Promise<Buffer> {
  await db.run('INSERT INTO server_secret (id, secret) VALUES (1, $1) ON CONFLICT DO NOTHING', [
    randomBytes(32),
  ]);
  const [row] = await db.run<{ secret: Buffer }>('SELECT secret FROM server_secret WHERE id = 1');
  if (row === undefined) throw new Error('the secret of the server was deleted');
  return row.secret;
}
