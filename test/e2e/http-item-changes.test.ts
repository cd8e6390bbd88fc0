import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Client, createClient } from '../../src/client/index.js';
import { createApp, listen } from '../../src/http/app.js';
import { openTestApp, type TestApp } from '../support/app.js';
import { eventsOf } from '../support/event-stream.js';

let app: TestApp;
let http: FastifyInstance;
let url: string;
let client: Client;

beforeAll(async () => {
  app = await openTestApp();
  http = await createApp({
    services: app,
    logger: pino({ level: 'silent' }),
    apiKeys: [],
    loopback: true,
  });
  url = await listen(http, '127.0.0.1', 0);
  client = createClient({ url });
});
afterAll(async () => {
  await http.close();
  await app.close();
});

const store = async (externalId: string, title: string) => {
  const { results } = await client.ingest([
    { content: { text: `a text of ${externalId}` }, externalId, title },
  ]);
  return results[0]?.item?.id ?? '';
};
const query = async (text: string) => {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: text }),
  });
  return (await response.json()) as { data?: unknown; errors?: { extensions: unknown }[] };
};

it('gives changes with the items as they are now, by pages', async () => {
  const { position, nodes } = await client.itemChanges();
  expect(nodes).toEqual([]);
  const [kept, gone] = [await store('kept', 'first'), await store('gone', 'x')];
  await store('kept', 'second');
  await client.deleteItems([gone]);
  const changes = [];
  for await (const page of client.itemChangePages({ after: position, first: 3 })) changes.push(...page.nodes);
  expect(changes.map(({ kind, itemId, item }) => [kind, itemId, item?.title])).toEqual([
    ['CREATED', kept, 'second'],
    ['CREATED', gone, undefined],
    ['UPDATED', kept, 'second'],
    ['DELETED', gone, undefined],
  ]);
  const { data } = await query(
    `{ itemChanges(first: 1, after: "${position}") { edges { cursor node { cursor kind at item { id classes { name } } } }
       pageInfo { hasNextPage hasPreviousPage startCursor endCursor } position } }`,
  );
  const cursor = changes[0]?.cursor;
  expect(data).toEqual({
    itemChanges: {
      edges: [
        {
          cursor,
          node: { cursor, kind: 'CREATED', at: expect.any(String), item: { id: kept, classes: [] } },
        },
      ],
      pageInfo: { hasNextPage: true, hasPreviousPage: true, startCursor: cursor, endCursor: cursor },
      position: cursor,
    },
  });
});

it('refuses a cursor that is not of this list, and a page that is too large', async () => {
  const { errors } = await query('{ itemChanges(after: "nonsense") { position } }');
  expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_CURSOR', field: ['after'] });
  await expect(client.itemChanges({ first: 501 })).rejects.toMatchObject({
    code: 'BAD_INPUT',
    field: ['first'],
  });
  await expect(client.followItemChanges({ after: 'nonsense' }).next()).rejects.toMatchObject({
    code: 'BAD_CURSOR',
  });
});

it('sends changes as they are made, with items that are read anew', async () => {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({
      query:
        'subscription { itemChanges { nodes { kind item { title classes { name } } } pageInfo { hasNextPage } } }',
    }),
  });
  const events = eventsOf(response);
  const next = async () => {
    const { value } = await events.next();
    return (JSON.parse(value?.data ?? '') as { data: { itemChanges: { nodes: unknown[] } } }).data.itemChanges
      .nodes;
  };
  expect(await next()).toEqual([]);
  const id = await store('watched', 'one');
  expect(await next()).toEqual([{ kind: 'CREATED', item: { title: 'one', classes: [] } }]);
  await client.updateItems([{ id, title: 'two', addClasses: ['new'] }]);
  expect(await next()).toEqual([{ kind: 'UPDATED', item: { title: 'two', classes: [{ name: 'new' }] } }]);
  await client.deleteItems([id]);
  expect(await next()).toEqual([{ kind: 'DELETED', item: null }]);
  await events.return(undefined);
});

it('loses and repeats nothing when the stream is cut', async () => {
  let cut = () => {};
  let streams = 0;
  const follower = createClient({
    url,
    fetch: async (input, init) => {
      const response = await fetch(input, init);
      if (response.body === null) return response;
      const stop = new AbortController();
      cut = () => stop.abort(new Error('cut'));
      streams += 1;
      return new Response(
        response.body.pipeThrough(new TransformStream(), { signal: stop.signal }),
        response,
      );
    },
  });
  const seen: string[] = [];
  const stored: string[] = [];
  for await (const { nodes } of follower.followItemChanges({ first: 2 })) {
    seen.push(...nodes.map(({ itemId }) => itemId));
    if (stored.length === 9 && seen.length >= 9) break;
    if (stored.length === 9) continue;
    cut();
    for (let i = 0; i < 3; i += 1) stored.push(await store(`cut ${stored.length}`, 'x'));
  }
  expect(seen).toEqual(stored);
  expect(streams).toBeGreaterThan(2);
  await follower.followItemChanges().return();
});
