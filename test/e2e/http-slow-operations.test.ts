import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApp } from '../../src/http/app.js';
import { openTestApp, type TestApp } from '../support/app.js';

interface LogLine {
  readonly msg: string;
  readonly [field: string]: unknown;
}

let app: TestApp;
let log: LogLine[] = [];
const opened: FastifyInstance[] = [];

beforeAll(async () => {
  app = await openTestApp();
});
afterAll(async () => {
  for (const one of opened) await one.close();
  await app.close();
});

async function start({ slowMs }: { readonly slowMs: number }): Promise<FastifyInstance> {
  log = [];
  const logger = pino({ level: 'debug' }, { write: (line: string) => void log.push(JSON.parse(line)) });
  const made = await createApp({ services: app, logger, apiKeys: [], loopback: true, slowMs });
  opened.push(made);
  return made;
}

describe('slow operations', () => {
  const query = `query Find($filter: ItemFilter, $first: Int) { items(filter: $filter, first: $first) { nodes { id } } }`;
  const variables = { filter: { metadata: { secret: 'private' }, classNames: ['hidden', 'b'] }, first: 3 };
  beforeAll(async () => {
    for (const name of ['hidden', 'b']) await app.classes.create(name, null);
  });
  const ask = (http: FastifyInstance, accept = 'application/json') =>
    http.inject({
      method: 'POST',
      url: '/graphql',
      headers: { accept, 'content-type': 'application/json' },
      payload: { query, variables },
    });

  it.each(['application/json', 'text/event-stream'])(
    'are logged with the shape of their variables and the times of their stages (%s)',
    async (accept) => {
      const http = await start({ slowMs: 0.001 });
      const answer = await ask(http, accept);
      const slow = log.filter(({ msg }) => msg === 'slow operation');
      expect(slow).toEqual([
        expect.objectContaining({
          level: 40,
          requestId: answer.headers['x-request-id'],
          operation: 'query',
          operationName: 'Find',
          fields: ['Query.items'],
          ms: expect.any(Number),
          variables: {
            filter: { classNames: { length: 2, first: 'string(6)' }, metadata: 'object(1)' },
            first: 'number',
          },
          stages: { sql: { count: expect.any(Number), ms: expect.any(Number) } },
        }),
      ]);
      expect(JSON.stringify(log)).not.toMatch(/secret|private|hidden/);
    },
  );

  it('are not logged below the time, for other routes, or without a setting', async () => {
    for (const slowMs of [60_000, 0]) {
      const http = await start({ slowMs });
      expect((await ask(http)).json().data.items).toEqual({ nodes: [] });
      await http.inject('/readyz');
      expect(log.some(({ msg }) => msg === 'slow operation')).toBe(false);
    }
  });
});
