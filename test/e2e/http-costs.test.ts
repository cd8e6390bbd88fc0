import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openTestApp, type TestApp } from '../support/app.js';
import { SERVED_KIND, type Served, serveApp } from '../support/served-app.js';

let app: TestApp;
let http: Served;

beforeAll(async () => {
  app = await openTestApp(SERVED_KIND);
  http = await serveApp(app);
});
afterAll(async () => {
  await http.close();
  await app.close();
});

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** How an operation is sent: for a single answer, or for a stream. */
const WAYS = {
  single: async (query: string, variables: object): Promise<Answer> => {
    const answer = await http.inject({ method: 'POST', url: '/graphql', payload: { query, variables } });
    return { status: answer.statusCode, body: answer.json() };
  },
  stream: async (query: string, variables: object): Promise<Answer> => {
    const { payload } = await http.inject({
      method: 'POST',
      url: '/graphql',
      headers: { accept: 'text/event-stream' },
      payload: { query, variables },
    });
    return { status: 400, body: JSON.parse(/^data: (.+)$/m.exec(payload)?.[1] ?? 'null') };
  },
} as const;

describe.each(['single', 'stream'] as const)('the cost of an operation with a %s answer', (way) => {
  const ask = (query: string, variables: object = {}) => WAYS[way](query, variables);

  it('is part of the answer, with the limit', async () => {
    const query = 'query($n: Int) { items(first: $n) { nodes { id title } } }';
    expect((await ask(query, { n: 30 })).body).toEqual({
      data: { items: { nodes: [] } },
      extensions: { cost: { requested: 62, limit: 20_000 } },
    });
  });

  it('above the limit is refused before any work', async () => {
    const classify = vi.spyOn(app.classes, 'classify');
    const fields = Array.from({ length: 300 }, (_, i) => `a${i}: classify(query: $q) { probability }`);
    const answer = await ask(`query($q: SearchQueryInput!) { ${fields.join(' ')} }`, { q: { text: 'x' } });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({
      errors: [{ extensions: { code: 'QUERY_TOO_COSTLY' } }],
      extensions: { cost: { requested: expect.any(Number), limit: 20_000 } },
    });
    expect(classify).not.toHaveBeenCalled();
    classify.mockRestore();
  });

  it('uses the values of variables', async () => {
    const query = `query($n: Int) { items(first: $n) { nodes { counterparts(first: 100) { id title metadata createdAt } } } }`;
    expect((await ask(query, { n: 20 })).body).not.toHaveProperty('errors');
    expect((await ask(query, { n: 100 })).body).toMatchObject({
      errors: [{ message: 'The operation has cost 25502; the limit is 20000.' }],
    });
  });
});
