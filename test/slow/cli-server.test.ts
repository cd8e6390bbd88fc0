import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient } from '../../src/client/index.js';
import { type CliResult, printed, startCli } from '../support/cli.js';
import { command } from '../support/command.js';
import { writeShapesFolder } from '../support/shapes-folder.js';

const KEY = 'a-key-of-enough-length';
const TRAIN = ['--seed', '1', '--epochs', '6', '--holdout', '0.2', '--unseen', 'ring', '--tune', 'none'];

let root: string;
let data: string;
/** The results of the commands without a server. */
let direct: Results;
type Results = Readonly<Record<string, readonly CliResult[]>>;
const commands: Readonly<Record<string, readonly string[]>> = {
  search: ['search', 'a big red circle', '--first', '3', '--explain'],
  byPicture: ['search', '--image', 'PICTURE', '--first', '3', '--by', 'content'],
  byClass: ['search', '--like-class', 'ring', '--class', 'ring', 'cross', '--min-score', 'auto'],
  classes: ['classes', '--search', 'r'],
  encoders: ['encoders'],
  jobs: ['jobs', '--state', 'succeeded'],
  unknown: ['search', 'a circle', '--class', 'hexagon'],
  missing: ['encoders', 'show', '00000000-0000-7000-8000-000000000000'],
  refused: ['activate', 'previous'],
};
const run = (args: readonly string[], ...more: readonly string[]) =>
  command([
    ...args.map((arg) => (arg === 'PICTURE' ? join(root, 'shapes/img/big-red-circle.png') : arg)),
    ...more,
  ]);

/** Each command with a result for people, and one in JSON. */
async function runAll(): Promise<Results> {
  const results: Record<string, readonly CliResult[]> = {};
  for (const [name, args] of Object.entries(commands)) {
    results[name] = [await run(args, '--data', data), await run(args, '--data', data, '--json')];
  }
  return results;
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'commonspace-cli-server-'));
  data = join(root, 'data');
  await writeShapesFolder(join(root, 'shapes'));
  await command(['ingest', join(root, 'shapes'), '--data', data]);
  await command(['train', '--data', data, ...TRAIN]);
  direct = await runAll();
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** Paths of thumbnails are addresses on a server. */
const comparable = (text: string) => text.replaceAll(/[^\s"]*(thumbnails|\/media)\/[^\s"]*/g, 'PICTURE');

describe('beside the server of the data folder', () => {
  let server: ReturnType<typeof startCli>;
  let address: string;
  /** Before the tests change something, in whatever order they run. */
  let beside: Results;
  beforeAll(async () => {
    server = startCli(['serve', '--data', data, '--port', '0']);
    address = /http:\/\/127\.0\.0\.1:\d+/.exec(await printed(server, /stop it with Ctrl-C/))?.[0] ?? '';
    beside = await runAll();
  });
  afterAll(async () => {
    const ended = new Promise((resolve) => server.on('close', resolve));
    server.kill('SIGTERM');
    expect(await ended).toBe(0);
  });

  it.each(Object.keys(commands))('%s gives the same as without it', (name) => {
    const told = ({ code, stdout, stderr }: CliResult) => ({ code, stdout: comparable(stdout), stderr });
    expect(beside[name]?.map(told)).toEqual(direct[name]?.map(told));
  });

  it('ingests a folder as without it, and names the rows that failed', async () => {
    const folder = join(root, 'mixed');
    await mkdir(folder);
    await copyFile(join(root, 'shapes/img/big-red-circle.png'), join(folder, 'circle.png'));
    await writeFile(join(folder, 'broken.png'), 'not a picture');
    const rows = [
      { file_name: 'circle.png', text: 'a circle', label: 'mixed' },
      { file_name: 'broken.png', text: 'a broken one' },
      { file_name: 'missing.png' },
      { file_name: 'circle.png', text: 'x'.repeat(10_001) },
    ];
    await writeFile(join(folder, 'metadata.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'));
    const ingest = async (to: string) => {
      const { code, stderr, json } = await command(['ingest', folder, '--data', to, '--json']);
      const { seconds, ...report } = json<{ seconds: number; rows: object }>();
      return { code, stderr, report };
    };
    const through = await ingest(data);
    expect(through).toMatchObject({
      code: 6,
      report: { created: 2, rows: { all: 4, done: 1, failed: 3, skipped: 0 } },
    });
    expect(through).toEqual(await ingest(join(root, 'other-data')));
    expect((await ingest(data)).report).toMatchObject({ created: 0, unchanged: 2 });
    const client = createClient({ url: address });
    const stored = ['mixed/circle.png', 'mixed/circle.png#text'].map((externalId) =>
      client.item({ externalId }),
    );
    await client.deleteItems((await Promise.all(stored)).map((item) => item?.id ?? ''));
    await client.deleteClass({ name: 'mixed' });
  });

  it('renames, merges and deletes classes', async () => {
    const classes = (...args: readonly string[]) => command(['classes', ...args, '--data', data, '--json']);
    const names = async () =>
      (await classes()).json<{ classes: { name: string }[] }>().classes.map(({ name }) => name);
    const before = await names();
    const { id: extra } = await createClient({ url: address }).createClass({ name: 'hexagon' });
    expect((await classes('rename', 'hexagon', '--to', 'honeycomb')).json()).toMatchObject({
      id: extra,
      name: 'honeycomb',
    });
    expect((await classes('merge', 'nothing', '--into', 'honeycomb')).json()).toMatchObject({
      error: { code: 'UNKNOWN_CLASS', field: ['from', '0'] },
    });
    expect((await classes('delete', 'honeycomb')).json()).toEqual({ deletedId: extra });
    expect(await names()).toEqual(before);
  });

  it('trains, shows the progress, activates and goes back', async () => {
    const before = await command(['encoders', '--server', address, '--json']);
    const { encoders } = before.json<{ encoders: { id: string; state: string }[] }>();
    // The newest may be one that another test cancels.
    const first = encoders.find(({ state }) => state === 'active');
    const trained = await command([
      'train',
      '--data',
      data,
      '--json',
      '--force',
      ...TRAIN,
      '--preset',
      'paper',
      '--epochs',
      '300',
    ]);
    expect(trained.stderr).toMatch(/train: \d+\/300 /);
    const report = trained.json<{ encoder: string; activated: boolean }>();
    expect(report).toMatchObject({
      pairs: 38,
      classes: 4,
      activated: true,
      refusal: null,
      holdout: { seen: { i2t_map: expect.any(Number) }, chance: { i2t_map: expect.any(Number) } },
      evaluation: { seen: { perClass: expect.any(Array) } },
    });
    const shown = await command(['encoders', 'show', report.encoder, '--data', data, '--json']);
    expect(shown.json()).toMatchObject({ id: report.encoder, state: 'active', preset: 'paper' });
    const back = await command(['activate', 'previous', '--data', data, '--json']);
    expect(back.json()).toEqual({ encoder: first?.id, before: report.encoder });
    const removed = await command(['encoders', 'remove', report.encoder, '--data', data, '--json']);
    expect(removed.json()).toMatchObject({ error: { code: 'ENCODER_STATE' } });
    expect(removed.code).toBe(3);
  });

  it('cancels the training of a command that is interrupted', async () => {
    const child = startCli(['train', '--data', data, '--epochs', '5000', '--tune', 'none']);
    await printed(child, /train: \d+\//);
    const ended = new Promise((resolve) => child.on('close', resolve));
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    const list = await command(['encoders', '--data', data, '--json']);
    const states = list.json<{ encoders: { state: string }[] }>().encoders.map(({ state }) => state);
    expect(states).not.toContain('training');
  });
});

it('works through a server that needs a key, which comes from a flag or the environment', async () => {
  const server = startCli(['serve', '--data', data, '--port', '0'], { COMMONSPACE_API_KEYS: KEY });
  const address = /http:\/\/127\.0\.0\.1:\d+/.exec(await printed(server, /stop it with Ctrl-C/))?.[0] ?? '';
  const without = await command(['classes', '--data', data, '--json']);
  expect([without.code, without.json()]).toMatchObject([2, { error: { code: 'UNAUTHENTICATED' } }]);
  expect((await command(['classes', '--data', data, '--key', KEY])).code).toBe(0);
  const elsewhere = { COMMONSPACE_DATA: join(root, 'nothing'), COMMONSPACE_SERVER: address };
  const found = await command(['classes', '--json'], { ...elsewhere, COMMONSPACE_KEY: KEY });
  expect(found.json()).toMatchObject({ totalCount: 5 });
  // After a kill the lock is stale: the next command opens the database itself.
  const ended = new Promise((resolve) => server.on('close', resolve));
  server.kill('SIGKILL');
  await ended;
  expect((await command(['classes', '--data', data, '--json'])).json()).toMatchObject({ totalCount: 5 });
});
