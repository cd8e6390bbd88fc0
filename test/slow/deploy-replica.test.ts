import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEPLOY } from '../support/deploy-files.js';
import { freePort } from '../support/free-port.js';
import { HAS_POSTGRES, OwnPostgres, PROGRAMS, programFolder } from '../support/own-postgres.js';

/** What the image of Postgres has, besides the database itself: no password on the socket, one by TCP, and none of replication. */
const ACCESS = 'local all all trust\nhost all all all scram-sha-256\n';
const SOCKETS = join(resolve(PROGRAMS), 'run');
const PASSWORD = 'b7'.repeat(24);

describe.skipIf(!HAS_POSTGRES)('the replica of deploy/', () => {
  let primary: OwnPostgres;
  let replica: ChildProcess | null = null;
  let port: number;
  /** The folder of the replica, as its volume. */
  let volume: string;
  let env: NodeJS.ProcessEnv;
  /** Postgres does not run as root. */
  let user: { readonly uid?: number; readonly gid?: number };

  const query = async <T extends object>(at: number, sql: string): Promise<T[]> => {
    const client = new pg.Client({ host: SOCKETS, port: at, user: 'postgres', database: 'postgres' });
    await client.connect();
    try {
      return (await client.query<T>(sql)).rows;
    } finally {
      await client.end();
    }
  };
  const script = (name: string) => join(DEPLOY, 'postgres', name);
  const start = (password: string) =>
    spawn('bash', [script('replica.sh'), 'postgres', '-c', `port=${port}`, '-c', 'hot_standby_feedback=on'], {
      stdio: 'ignore',
      ...user,
      cwd: '/',
      env: { ...env, REPLICATION_PASSWORD: password },
    });
  const rowsOfReplica = () => query<{ n: number }>(port, 'SELECT n FROM notes ORDER BY n').catch(() => []);
  const stop = async () => {
    if (replica === null || replica.exitCode !== null) return;
    const ended = once(replica, 'close');
    replica.kill('SIGINT');
    await ended;
  };

  beforeAll(async () => {
    primary = await OwnPostgres.create();
    await primary.start();
    port = await freePort();
    const data = join(primary.folder, 'data');
    await writeFile(join(data, 'pg_hba.conf'), ACCESS);
    const bin = join(primary.folder, 'bin');
    await mkdir(bin);
    // The image's own entry point, which has nothing to do where a database exists.
    await writeFile(join(bin, 'docker-entrypoint.sh'), '#!/bin/sh\nexec "$@"\n', { mode: 0o755 });
    volume = join(primary.folder, 'volume');
    await mkdir(volume);
    const { uid, gid } = await stat(data);
    user = process.getuid?.() === 0 ? { uid, gid } : {};
    await chown(volume, uid, gid);
    env = {
      PATH: `${bin}:${programFolder()}:${process.env.PATH}`,
      LC_ALL: 'C',
      PGHOST: SOCKETS,
      PGPORT: String(primary.port),
      POSTGRES_USER: 'postgres',
      POSTGRES_DB: 'postgres',
      PGDATA: data,
      REPLICATION_PASSWORD: PASSWORD,
    };
    const made = spawnSync('bash', [script('replication.sh')], { env, encoding: 'utf8' });
    expect(made).toMatchObject({ status: 0, stderr: '' });
    await query(primary.port, 'SELECT pg_reload_conf()');
    await query(primary.port, 'CREATE TABLE notes (n integer); INSERT INTO notes VALUES (1)');
    env = {
      ...env,
      PGDATA: join(volume, 'replica'),
      PRIMARY_HOST: '127.0.0.1',
      PRIMARY_PORT: String(primary.port),
    };
  });
  afterAll(async () => {
    await stop();
    await primary.remove();
  });

  it('copies nothing without the password, and then follows the primary, also after a restart', async () => {
    const refused = start('wrong');
    expect(await once(refused, 'close')).toEqual([1, null]);
    expect(existsSync(join(volume, 'replica'))).toBe(false);

    // What an interrupted copy leaves.
    const { uid, gid } = await stat(volume);
    await mkdir(join(volume, 'replica.copy'));
    await writeFile(join(volume, 'replica.copy', 'PG_VERSION'), '17\n');
    await chown(join(volume, 'replica.copy'), uid, gid);
    replica = start(PASSWORD);
    await expect.poll(rowsOfReplica).toEqual([{ n: 1 }]);
    expect(await query(port, 'SELECT pg_is_in_recovery() AS replica')).toEqual([{ replica: true }]);
    await query(primary.port, 'INSERT INTO notes VALUES (2)');
    await expect.poll(rowsOfReplica).toEqual([{ n: 1 }, { n: 2 }]);
    expect(await query(primary.port, 'SELECT slot_name, active FROM pg_replication_slots')).toEqual([
      { slot_name: 'replica', active: true },
    ]);

    const label = join(volume, 'replica', 'backup_label.old');
    const copied = await readFile(label, 'utf8');
    await stop();
    await query(primary.port, 'INSERT INTO notes VALUES (3)');
    replica = start(PASSWORD);
    await expect.poll(rowsOfReplica).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
    // It was not copied again.
    expect(await readFile(label, 'utf8')).toBe(copied);
  });
});
