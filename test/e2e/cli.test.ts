import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawShape } from '../factories/shapes.js';
import { type CliResult, cli, printed, startCli } from '../support/cli.js';
import { command } from '../support/command.js';
import { writeMetadata, writeShapesFolder } from '../support/shapes-folder.js';

let root: string;
let data: string;
let folder: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'commonspace-cli-'));
  data = join(root, 'data');
  folder = join(root, 'shapes');
  await writeShapesFolder(folder);
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe('the main workflow, from a folder of images to a search', () => {
  let ingested: CliResult;
  let again: CliResult;
  let untrained: CliResult;
  let trained: CliResult;

  beforeAll(async () => {
    ingested = await cli(['ingest', folder, '--data', data, '--json']);
    again = await command(['ingest', folder, '--data', data, '--json']);
    untrained = await command(['search', 'a big red circle', '--data', data, '--json', '--first', '3']);
    const options = ['--seed', '1', '--epochs', '10', '--holdout', '0.2', '--unseen', 'ring'];
    trained = await cli(['train', '--data', data, '--json', ...options]);
  });

  it('ingests the folder; a second ingest changes nothing', () => {
    expect(ingested.stderr).toContain('ingest: 60/60');
    expect(ingested.json()).toMatchObject({ created: 120, updated: 0, unchanged: 0, failed: 0, errors: [] });
    expect(ingested.code).toBe(0);
    expect(again.json()).toMatchObject({ created: 0, updated: 0, unchanged: 120, failed: 0 });
  });

  it('searches by captions before any training', () => {
    expect(untrained.json()).toMatchObject({
      mode: 'EXACT',
      encoder: null,
      results: [{ rank: 1, file: 'img/big-red-circle.png' }, {}, {}],
    });
  });

  it('trains, with progress on stderr and figures on stdout', () => {
    expect(trained.code).toBe(0);
    expect(trained.stderr).toMatch(/train: (\d+)\/\1 /);
    const report = trained.json<{ encoder: string; holdout: Record<string, Record<string, number>> }>();
    expect(report).toMatchObject({
      encoder: expect.stringMatching(/^[0-9a-f-]{36}$/),
      pairs: 38,
      classes: 4,
      seconds: expect.any(Number),
    });
    for (const part of ['seen', 'unseen', 'chance']) {
      const figures = report.holdout[part];
      for (const figure of ['i2t_map', 't2i_map', 'recall@1', 'recall@10']) {
        expect(figures?.[figure], `${part} ${figure}`).toBeGreaterThan(0);
        expect(figures?.[figure], `${part} ${figure}`).toBeLessThanOrEqual(1);
      }
    }
    expect(report.holdout.seen?.i2t_map).toBeGreaterThan(report.holdout.chance?.i2t_map ?? 1);
  });

  it('searches by words, in a table and as JSON', async () => {
    const found = await cli(['search', 'a big red circle', '--data', data, '--json', '--first', '3']);
    expect(found.json()).toMatchObject({
      mode: 'EXACT',
      encoder: expect.any(String),
      results: [
        {
          rank: 1,
          modality: 'IMAGE',
          externalId: 'shapes/img/big-red-circle.png',
          title: 'img/big-red-circle.png',
          text: null,
          file: 'img/big-red-circle.png',
          classes: ['circle'],
        },
        { rank: 2 },
        { rank: 3 },
      ],
    });
    const shown = await command(['search', 'a big red circle', '--data', data, '--first', '3']);
    expect(shown.stdout).toMatch(
      /^#\s+score\s+class\s+item\s+thumbnail or text\n1 .*circle\s+img\/big-red-circle\.png/,
    );
  });

  it('lists classes, and whether the encoder has seen them', async () => {
    const listed = await command(['classes', '--data', data, '--json']);
    expect(listed.json()).toMatchObject({
      totalCount: 5,
      classes: ['circle', 'cross', 'ring', 'square', 'triangle'].map((name) => ({
        name,
        images: 12,
        texts: 12,
        seen: name !== 'ring',
      })),
    });
  });

  it('prints the configuration in use', async () => {
    const doctor = await cli(['doctor', '--data', data, '--json']);
    expect(doctor.json()).toMatchObject({
      database: { kind: 'embedded' },
      tensors: { backend: expect.stringMatching(/^(wasm|tfjs-node)$/), reason: expect.any(String) },
      items: { images: 60, texts: 60 },
      checks: expect.arrayContaining([
        { check: 'media', level: 'ok', message: 'the bytes of all 60 pictures are there', remedy: null },
        expect.objectContaining({ check: 'pgvector', level: 'ok' }),
      ]),
    });
    expect(doctor.code).toBe(0);
    const migrated = await command(['migrate', '--data', data]);
    expect(migrated.stdout).toMatch(/up to date/);
  });

  it('serves, also commands beside it, names itself to a second process that opens the folder, and stops on a signal', async () => {
    const server = startCli(['serve', '--data', data, '--port', '0']);
    const address = /http:\/\/127\.0\.0\.1:\d+/.exec(await printed(server, /stop it with Ctrl-C/))?.[0] ?? '';
    const response = await fetch(`${address}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        query: '{ crossModalSearch(query: {text: "ring"}, first: 1) { nodes { id } } }',
      }),
    });
    expect(await response.json()).toMatchObject({ data: { crossModalSearch: { nodes: [{}] } } });
    const beside = await cli(['search', 'a big red circle', '--data', data, '--json', '--first', '1']);
    expect(beside.json()).toMatchObject({
      results: [{ file: 'img/big-red-circle.png', thumbnail: expect.stringContaining(`${address}/media/`) }],
    });
    const directly = await cli(['sweep', '--data', data, '--json']);
    expect([directly.code, directly.json()]).toMatchObject([
      4,
      { error: { code: 'NOT_IN_API', message: expect.stringContaining(address) } },
    ]);
    const second = await cli(['serve', '--data', data, '--port', '0', '--json']);
    expect(second.code).toBe(4);
    expect(second.json()).toMatchObject({
      error: { code: 'DATA_FOLDER_LOCKED', message: expect.stringContaining(String(server.pid)) },
    });
    const ended = new Promise((resolve) => server.on('close', resolve));
    server.kill('SIGTERM');
    expect(await ended).toBe(0);
  });
});

describe('a malformed folder', () => {
  const spoiled = async (
    name: string,
    rows: readonly (object | string)[],
    files: Record<string, Buffer | string> = {},
  ) => {
    const where = join(root, name);
    await mkdir(where, { recursive: true });
    for (const [file, content] of Object.entries(files)) await writeFile(join(where, file), content);
    await writeMetadata(where, rows);
    return where;
  };
  let folders = 0;
  const own = () => join(root, `data-faults-${folders++}`);

  it('stores the valid rows, and names the line and the error of each other row', async () => {
    const good = await drawShape('circle', 'blue');
    const where = await spoiled(
      'mixed',
      [
        { file_name: 'good.png', text: 'a blue circle', label: 'circle' },
        { file_name: 'missing.png', text: 'x', label: 'circle' },
        'this is not JSON',
        { file_name: 'broken.png', text: 'y', label: 'circle' },
        { file_name: 'good.png', text: '', label: 'circle' },
        { text: 'no file' },
        { file_name: '../escape.png', text: 'z' },
        { file_name: 'good2.png', text: '一个蓝色的圆', label: 7 },
      ],
      {
        'good.png': good,
        'good2.png': await drawShape('circle', 'blue', 9),
        'broken.png': good.subarray(0, 60),
      },
    );
    const result = await command(['ingest', where, '--data', own(), '--json']);
    expect(result.code).toBe(6);
    const report = result.json<{
      created: number;
      failed: number;
      errors: { ordinal: number; code: string }[];
    }>();
    expect(report.errors.map(({ ordinal, code }) => [ordinal, code])).toEqual([
      [2, 'FILE_MISSING'],
      [3, 'BAD_ROW'],
      [4, 'UNREADABLE_IMAGE'],
      [5, 'EMPTY_TEXT'],
      [6, 'BAD_ROW'],
      [7, 'BAD_ROW'],
    ]);
    expect(report).toMatchObject({
      created: 4,
      updated: 0,
      unchanged: 0,
      failed: 6,
      rows: { all: 8, done: 2 },
    });
    expect(result.stderr).toContain('missing.png');
  });

  it('is refused without metadata, or without the given class column', async () => {
    const empty = join(root, 'empty');
    await mkdir(empty);
    const none = await cli(['ingest', empty, '--data', own(), '--json']);
    expect(none.json()).toMatchObject({ error: { code: 'BAD_FOLDER' } });
    const where = await spoiled('unlabelled', [{ file_name: 'a.png', text: 'x', kind: 'k' }], {
      'a.png': await drawShape('ring', 'red'),
    });
    const column = await command(['ingest', where, '--class-column', 'category', '--data', own(), '--json']);
    expect(column.code).toBe(2);
    expect(column.json()).toMatchObject({
      error: { code: 'NO_CLASS_COLUMN', message: expect.stringContaining('file_name, text, kind') },
    });
  });

  it('without pairs cannot be trained on, and the error says so', async () => {
    const result = await command(['train', '--data', join(root, 'data-nothing'), '--json']);
    expect(result.code).toBe(3);
    expect(result.json()).toMatchObject({ error: { code: 'NO_PAIRS' } });
  });
});

it('makes a key with budgets, and refuses a malformed one', async () => {
  const where = ['--data', join(root, 'args'), '--json'];
  const create = (...budgets: readonly string[]) =>
    cli(['keys', 'create', 'a partner', '--scope', 'ingest', ...budgets, ...where]);
  const made = await create('--cost-per-minute', '60000', '--bytes-per-minute', '0');
  const perMinute = { cost: 60_000, bytes: 0 };
  expect([made.code, made.json()]).toMatchObject([0, { name: 'a partner', scopes: ['ingest'], perMinute }]);
  const { code, stderr } = await create('--bytes-per-minute', '-1');
  expect([code, stderr]).toEqual([2, expect.stringContaining('--bytes-per-minute')]);
});

describe('a malformed environment', () => {
  it.each([
    ['nothing listens', 'postgresql://user:hunter2@127.0.0.1:9/none'],
    ['no such host', 'postgresql://user:hunter2@no-such-host.invalid/none'],
  ])('reports an unreachable database (%s), without its password', async (_what, url) => {
    const result = await cli(['classes', '--data', join(root, 'x'), '--json'], { DATABASE_URL: url });
    expect(result.code).toBe(4);
    expect(result.json()).toMatchObject({
      error: { code: 'DATABASE_UNREACHABLE', message: expect.stringContaining('DATABASE_URL') },
    });
    expect(result.stdout + result.stderr).not.toContain('hunter2');
  });

  it('reports that a port is taken', async () => {
    const blocker = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => blocker.once('listening', resolve));
    const { port } = blocker.address() as AddressInfo;
    const result = await command(['serve', '--port', String(port), '--data', join(root, 'port'), '--json']);
    blocker.close();
    expect(result.code).toBe(4);
    expect(result.json()).toMatchObject({
      error: { code: 'PORT_IN_USE', message: expect.stringContaining(String(port)) },
    });
  });

  it('reports that a folder is not writable', async () => {
    // Not even root can create a folder below a file.
    const file = join(root, 'file');
    await writeFile(file, '');
    const result = await command(['classes', '--data', join(file, 'data'), '--json']);
    expect(result.code).toBe(4);
    expect(result.json()).toMatchObject({ error: { code: 'DATA_FOLDER_NOT_WRITABLE' } });
  });

  it('does not listen on other addresses without an API key', async () => {
    const result = await command(['serve', '--host', '0.0.0.0', '--data', join(root, 'open'), '--json']);
    expect(result.json()).toMatchObject({
      error: { code: 'BAD_CONFIG', message: expect.stringContaining('COMMONSPACE_API_KEYS') },
    });
  });

  it('names every malformed setting', async () => {
    const result = await command(['classes', '--json'], { COMMONSPACE_PORT: 'many' });
    expect(result.code).toBe(2);
    expect(result.json()).toMatchObject({
      error: { code: 'BAD_CONFIG', message: expect.stringContaining('COMMONSPACE_PORT') },
    });
  });

  it.each([
    [['search'], 'BAD_INPUT'],
    [['search', '--image', '/no/such/file.png'], 'FILE_MISSING'],
  ])('%j is refused with %s', async (args, code) => {
    const result = await command([...args, '--data', join(root, 'args'), '--json']);
    expect(result.code).toBe(2);
    expect(result.json()).toMatchObject({ error: { code } });
  });

  it.each([
    [['nonsense']],
    [['train', '--holdout', '2']],
    [['train', '--learn-from', 'colour']],
    [['search', 'x', '--target', 'SOUND']],
    [['ingest']],
  ])('%j is a usage error', async (args) => {
    const result = await command(args);
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(/error:/);
  });

  it('computes the size of a catalogue without a database, and names a bad input', async () => {
    const sized = await command(['size', '--items', '5e7', '--captions', '2', '--json']);
    expect(sized.code).toBe(0);
    expect(sized.json()).toMatchObject({
      texts: 33_333_333,
      relations: expect.any(Array),
      limits: expect.any(Array),
    });
    const printed = await command(['size', '--items', '5e7', '--captions', '2']);
    expect(printed.stdout).toMatch(/^feature image +17 million +\d+ GB/m);
    expect((await command(['size'])).stdout).toMatch(/^ *1 billion /m);
    for (const [option, field] of [
      ['--items', 'items'],
      ['--captions', 'captions'],
      ['--memory', 'memory'],
    ] as const) {
      const refused = await command(['size', '--items', '1e6', option, 'many', '--json']);
      expect(refused.code).toBe(2);
      expect(refused.json()).toMatchObject({ error: { code: 'BAD_INPUT', field: [field] } });
    }
  });

  it('every command has a help text', async () => {
    const help = await cli(['--help']);
    const commands = [...help.stdout.matchAll(/^ {2}([a-z]+) /gm)]
      .map((match) => match[1] ?? '')
      .filter((name) => name !== 'help');
    expect(commands).toEqual([
      'serve',
      'worker',
      'ingest',
      'train',
      'adopt',
      'encoders',
      'activate',
      'calibrate',
      'evaluate',
      'search',
      'classes',
      'jobs',
      'migrate',
      'keys',
      'audit',
      'export',
      'import',
      'backup',
      'restore',
      'sweep',
      'models',
      'size',
      'doctor',
      'demo',
    ]);
    await Promise.all(
      commands.map(async (name) => {
        const { code, stdout } = await command([name, '--help']);
        expect([code, stdout.includes('--data <dir>'), stdout.includes('--json')]).toEqual([0, true, true]);
      }),
    );
  });
});
