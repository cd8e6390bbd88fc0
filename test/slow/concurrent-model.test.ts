import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Catalog, openCatalog } from '../../src/catalog/catalog.js';
import { openApp } from '../../src/compose.js';
import { readConfig } from '../../src/config.js';
import type { App } from '../../src/services/app.js';
import type { IngestOutcome } from '../../src/services/ingest/ingest-outcome.js';
import { Draw } from '../fuzz/draw.js';
import { createTestDatabase } from '../support/catalog.js';
import { cliEnvironment } from '../support/cli.js';
import {
  type Answered,
  explains,
  type ModelAnswer,
  type ModelItem,
  type ModelOperation,
  type ModelState,
} from '../support/item-model.js';

/** The seeds decide the calls; the database decides how they interleave. */
const SEEDS = [1, 2, 3];
const ROUNDS = 60;
/** Calls at a time. A round has at most eight operations, whose orders can all be tried. */
const CALLS = 5;
const MOST_OPERATIONS = 8;
const KEYS = ['a', 'b', 'c', 'd', 'e'];
const TEXTS = ['red', 'blue', 'green'];
const CLASSES = ['circle', 'ring', 'cross'];
const PAIRS = ['p', 'q', 'r'];
const NO_ID = '00000000-0000-7000-8000-000000000000';

describe.skipIf(!process.env.TEST_DATABASE_URL)('concurrent writers on two servers', () => {
  let folder: string;
  let database: Awaited<ReturnType<typeof createTestDatabase>>;
  let servers: App[];
  let catalog: Catalog;
  const unexpected: unknown[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'commonspace-model-'));
    database = await createTestDatabase();
    const config = readConfig({}, cliEnvironment({ COMMONSPACE_DATA: folder, DATABASE_URL: database.url }));
    const report = (error: unknown) => unexpected.push(error);
    servers = await Promise.all([openApp(config, report), openApp(config, report)]);
    catalog = await openCatalog({ databaseUrl: database.url });
  });
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.close()));
    await catalog.close();
    await database.drop();
    await rm(folder, { recursive: true, force: true });
  });

  it.each(SEEDS)(
    'do what one writer could have done, seed %i',
    async (seed) => {
      let state = await stored();
      /** Ids of items by external id, also of deleted ones. */
      const ids = new Map<string, string>();
      const counts: Record<string, number> = {};
      for (let round = 0; round < ROUNDS; round += 1) {
        const draw = new Draw(seed, round);
        const calls = drawCalls(draw, state, ids);
        const answered = (await Promise.all(calls.map((call, i) => run(serverAt(i), call)))).flat();
        const after = await stored();
        expect(unexpected).toEqual([]);
        for (const { operation, answer } of answered) {
          const key = `${operation.kind} ${answer.status}`;
          counts[key] = (counts[key] ?? 0) + 1;
        }
        const isExplained = explains(state, answered, after);
        expect(isExplained, describeRound(round, state, answered, after)).toBe(true);
        for (const { id, externalId } of after.values()) if (externalId !== null) ids.set(externalId, id);
        state = after;
      }
      console.log(`seed ${seed}:`, counts);
      // The answers show that calls had effects and met each other.
      for (const key of ['ingest CREATED', 'ingest UPDATED', 'update UPDATED', 'delete DELETED'])
        expect(counts[key], key).toBeGreaterThan(5);
      const busy = Object.entries(counts).reduce((sum, [key, n]) => sum + (key.endsWith('BUSY') ? n : 0), 0);
      expect(busy).toBeLessThan(ROUNDS / 4);
    },
    300_000,
  );

  function serverAt(i: number): App {
    const server = servers[i % servers.length];
    if (server === undefined) throw new Error('no server');
    return server;
  }

  async function stored(): Promise<ModelState> {
    const rows = await catalog.database.runOnce('SELECT id FROM item');
    const items = await catalog.items.toUpdate(
      rows.map(({ id }) => String(id)),
      [],
    );
    return new Map(
      items.map(({ row, classNames, pairKey }): [string, ModelItem] => {
        const { id, externalId, title } = row;
        const text = row.modality === 'TEXT' ? row.text : '';
        return [id, { id, externalId, title, text, classes: [...classNames].sort(), pairKey }];
      }),
    );
  }

  async function run(server: App, call: readonly ModelOperation[]): Promise<Answered[]> {
    const answers = await answersOf(server, call);
    return call.map((operation, i) => {
      const answer = answers[i];
      if (answer === undefined) throw new Error('an operation has no answer');
      return { operation, answer };
    });
  }

  async function answersOf(server: App, call: readonly ModelOperation[]): Promise<ModelAnswer[]> {
    const [first] = call;
    switch (first?.kind) {
      case 'ingest': {
        const inputs = call.flatMap((one) =>
          one.kind === 'ingest' ? [{ ...one, content: { text: one.text } }] : [],
        );
        return (await server.ingest.ingest(inputs)).map(answerOf);
      }
      case 'update': {
        const changes = call.flatMap((one) => (one.kind === 'update' ? [{ ...one, ...one.target }] : []));
        return (await server.itemUpdates.update(changes, ['items'])).map(answerOf);
      }
      case 'delete': {
        const wanted = call.flatMap((one) => (one.kind === 'delete' ? [one.id] : []));
        const { deletedIds, errors } = await server.items.delete(wanted);
        return wanted.map((id) =>
          deletedIds.includes(id)
            ? { status: 'DELETED', id }
            : { status: errors[0]?.code ?? 'no error', id: null },
        );
      }
      default:
        return [];
    }
  }
});

/** A line for each item and operation, so that the orders can be tried by hand. */
function describeRound(
  round: number,
  before: ModelState,
  answered: readonly Answered[],
  after: ModelState,
): string {
  const lines = (state: ModelState) => [...state.values()].map((item) => JSON.stringify(item));
  const calls = answered.map(
    ({ operation, answer }) => `${JSON.stringify(operation)} → ${JSON.stringify(answer)}`,
  );
  return [
    `round ${round}, before:`,
    ...lines(before),
    'operations:',
    ...calls,
    'after:',
    ...lines(after),
  ].join('\n');
}

function answerOf(outcome: IngestOutcome): ModelAnswer {
  return outcome.status === 'FAILED'
    ? { status: outcome.error.code, id: null }
    : { status: outcome.status, id: outcome.item.id };
}

/** Calls of a round, each with one to three operations of one kind on different items. */
function drawCalls(draw: Draw, state: ModelState, ids: ReadonlyMap<string, string>): ModelOperation[][] {
  let left = MOST_OPERATIONS;
  return draw.list(CALLS, (i) => {
    const length = Math.max(1, Math.min(left - (CALLS - 1 - i), 1 + draw.int(3)));
    left -= length;
    const kind = draw.weighted([
      [5, 'ingest'],
      [5, 'update'],
      [2, 'delete'],
    ] as const);
    const keys = shuffled(draw, KEYS).slice(0, length);
    const operations = keys.map((key) => drawOperation(draw, kind, key, state, ids));
    // A call deletes an item once, even if it names it twice.
    return operations.filter(
      (one, k) =>
        one.kind !== 'delete' ||
        !operations.slice(0, k).some((other) => other.kind === 'delete' && other.id === one.id),
    );
  });
}

function drawOperation(
  draw: Draw,
  kind: ModelOperation['kind'],
  key: string,
  state: ModelState,
  ids: ReadonlyMap<string, string>,
): ModelOperation {
  const withoutKey = [...state.values()].filter(({ externalId }) => externalId === null).map(({ id }) => id);
  const id =
    withoutKey.length > 0 && draw.chance(0.3) ? draw.pick(withoutKey.sort()) : (ids.get(key) ?? NO_ID);
  const some = () => shuffled(draw, CLASSES).slice(0, draw.int(3));
  switch (kind) {
    case 'ingest':
      return {
        kind,
        externalId: draw.chance(0.25) ? null : key,
        text: draw.pick(TEXTS),
        ...(draw.chance(0.4) && { title: draw.pick(TEXTS) }),
        ...(draw.chance(0.4) && { classes: some() }),
        ...(draw.chance(0.6) && { pairKey: draw.pick(PAIRS) }),
      };
    case 'update': {
      const [added, removed] = shuffled(draw, CLASSES);
      const classes = draw.chance(0.3)
        ? { classes: some() }
        : draw.chance(0.6) && added !== undefined && removed !== undefined
          ? { addClasses: [added], removeClasses: [removed] }
          : {};
      return {
        kind,
        target: draw.chance(0.5) ? { externalId: key } : { id },
        ...classes,
        ...(draw.chance(0.4) && { title: draw.pick([...TEXTS, null]) }),
        ...(draw.chance(0.6) && { pairKey: draw.pick([...PAIRS, null]) }),
      };
    }
    case 'delete':
      return { kind, id };
  }
}

function shuffled<T>(draw: Draw, values: readonly T[]): T[] {
  return values
    .map((value) => ({ value, order: draw.int(2 ** 31) }))
    .sort((one, other) => one.order - other.order)
    .map(({ value }) => value);
}
