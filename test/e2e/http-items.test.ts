import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openTestApp, type TestApp } from '../support/app.js';
import { IN_TURN, SERVED_KIND, type Served, serveApp } from '../support/served-app.js';

/** Lists of items over HTTP: nodes, counterparts, orders, filters by id. */

let app: TestApp;
let http: Served;
/** Ids by external id. */
const ids = new Map<string, string>();
const TITLES: Readonly<Record<string, string>> = { t1: 'beta', t2: 'Alpha', t3: 'beta', t4: 'alpha' };
const KEYS = ['t1', 't2', 't3', 't4', 't5'];

beforeAll(async () => {
  app = await openTestApp(SERVED_KIND);
  http = await serveApp(app);
  const outcomes = await app.ingest.ingest(
    KEYS.map((externalId) => ({
      content: { text: `text ${externalId}` },
      externalId,
      pairKey: externalId === 't5' ? 'other' : 'pair',
      title: TITLES[externalId] ?? null,
      classes: ['letter'],
      metadata: { set: 1 },
    })),
  );
  for (const outcome of outcomes) {
    if (outcome.status === 'FAILED') throw new Error(outcome.error.message);
    ids.set(outcome.item.externalId ?? '', outcome.item.id);
  }
});
afterAll(async () => {
  await http.close();
  await app.close();
});

interface Keyed {
  readonly externalId: string;
}

interface List {
  readonly totalCount: number;
  readonly nodes: readonly Keyed[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

/** The fields that the operations below select. */
interface Data {
  readonly nodes: unknown;
  readonly facets: unknown;
  readonly classes: { readonly nodes: readonly { readonly id: string }[] };
  readonly items: List;
  readonly item: {
    readonly all: readonly Keyed[];
    readonly one: readonly Keyed[];
    readonly rest: readonly Keyed[];
    readonly counterpartsConnection: List;
  };
}

interface Answer {
  readonly data: Data;
  readonly errors?: readonly { readonly extensions: object }[];
}

async function ask(query: string, variables: object = {}): Promise<Answer> {
  const response = await http.inject({ method: 'POST', url: '/graphql', payload: { query, variables } });
  return response.json();
}

/** The number of statements that an operation runs. */
async function statementsOf(query: string): Promise<number> {
  const { pool } = app.catalog.database;
  const spy = vi.spyOn(pool, 'query');
  try {
    expect((await ask(query)).errors).toBeUndefined();
    return spy.mock.calls.length;
  } finally {
    spy.mockRestore();
  }
}

const keys = (nodes: readonly { readonly externalId: string }[]) => nodes.map((node) => node.externalId);
const id = (key: string) => ids.get(key) ?? '';

describe('nodes', () => {
  const NODES = 'query ($ids: [ID!]!) { nodes(ids: $ids) { id __typename } }';

  it('are items and classes in the order of the ids, null where there is none', async () => {
    const [letter] = (await ask('{ classes { nodes { id } } }')).data.classes.nodes;
    const wanted = [id('t3'), letter?.id, 'nonsense', id('t1').toUpperCase(), id('t3')];
    const { data } = await ask(NODES, { ids: wanted });
    expect(data.nodes).toEqual([
      { id: id('t3'), __typename: 'TextItem' },
      { id: letter?.id, __typename: 'Class' },
      null,
      { id: id('t1'), __typename: 'TextItem' },
      { id: id('t3'), __typename: 'TextItem' },
    ]);
    expect((await ask(NODES, { ids: [] })).data.nodes).toEqual([]);
  });

  it.skipIf(IN_TURN)('are read by one statement for items and one for classes', async () => {
    const nodes = `a: node(id: "${id('t1')}") { id } b: node(id: "${id('t2')}") { id } nodes(ids: ["${id('t4')}"]) { id }`;
    expect(await statementsOf(`{ ${nodes} }`)).toBe(2);
  });

  it('are at most 100', async () => {
    const answer = await ask(NODES, { ids: Array(101).fill('x') });
    expect(answer.errors).toMatchObject([{ extensions: { code: 'BAD_INPUT', field: ['ids'] } }]);
  });
});

describe('updates', () => {
  const UPDATE = `mutation ($items: [UpdateItemInput!]!) { updateItems(items: $items) {
    updated unchanged failed results { index status item { title metadata classes { name } } error { code field } } } }`;

  it('answer for every change; what is absent stays, null clears', async () => {
    const items = [
      { externalId: 't5', addClasses: ['more'] },
      { externalId: 't5', metadata: null, classes: ['letter'] },
      { externalId: 't6', title: 'x' },
      { externalId: 't5', classes: ['letter'] },
    ];
    const { data } = (await ask(UPDATE, { items })) as { data: object };
    expect(data).toEqual({
      updateItems: {
        updated: 2,
        unchanged: 1,
        failed: 1,
        results: [
          {
            index: 0,
            status: 'UPDATED',
            // Classes are read when all changes are made.
            item: { title: null, metadata: { set: 1 }, classes: [{ name: 'letter' }] },
            error: null,
          },
          {
            index: 1,
            status: 'UPDATED',
            item: { title: null, metadata: {}, classes: [{ name: 'letter' }] },
            error: null,
          },
          {
            index: 2,
            status: 'FAILED',
            item: null,
            error: { code: 'ITEM_NOT_FOUND', field: ['items', '2', 'externalId'] },
          },
          {
            index: 3,
            status: 'UNCHANGED',
            item: { title: null, metadata: {}, classes: [{ name: 'letter' }] },
            error: null,
          },
        ],
      },
    });
    await ask(UPDATE, { items: [{ externalId: 't5', metadata: { set: 1 } }] });
  });

  it('of one item name the field below the input, and are noted in the audit log', async () => {
    const one = `mutation ($input: UpdateItemInput!) { updateItem(input: $input) { item { title } errors { code field } } }`;
    expect((await ask(one, { input: { title: 'x' } })).data).toEqual({
      updateItem: { item: null, errors: [{ code: 'BAD_INPUT', field: ['input'] }] },
    });
    expect(
      (await ask(one, { input: { id: id('t5'), title: 'Gamma', addClasses: ['\u0000'] } })).data,
    ).toEqual({
      updateItem: { item: null, errors: [{ code: 'BAD_INPUT', field: ['input', 'addClasses', '0'] }] },
    });
    expect((await ask(one, { input: { id: id('t5'), title: 'Gamma' } })).data).toEqual({
      updateItem: { item: { title: 'Gamma' }, errors: [] },
    });
    const [entry] = await app.auditPage(null, 1);
    expect(entry).toMatchObject({ action: 'updateItem', detail: { id: id('t5') } });
    await ask(one, { input: { id: id('t5'), title: null } });
  });
});

describe('changes of classes', () => {
  it('rename, merge and delete classes; errors name the argument', async () => {
    const change = async (call: string) => {
      const { data } = await ask(`mutation { ${call} }`);
      return Object.values(data)[0] as unknown;
    };
    const fields = '{ class { name description } errors { code field } }';
    await ask(
      'mutation { a: createClass(name: "one") { class { id } } b: createClass(name: "two") { class { id } } }',
    );
    expect(await change(`renameClass(name: "one", newName: "uno", description: "1") ${fields}`)).toEqual({
      class: { name: 'uno', description: '1' },
      errors: [],
    });
    expect(await change(`renameClass(name: "uno", newName: "two") ${fields}`)).toEqual({
      class: null,
      errors: [{ code: 'CLASS_EXISTS', field: ['newName'] }],
    });
    expect(await change(`renameClass(name: "uno", description: null) ${fields}`)).toEqual({
      class: { name: 'uno', description: null },
      errors: [],
    });
    expect(await change(`mergeClasses(from: ["two"], into: "uno") ${fields}`)).toMatchObject({ errors: [] });
    const deleted = '{ deletedId errors { code field } }';
    expect(await change(`deleteClass(name: "uno") ${deleted}`)).toMatchObject({ errors: [] });
    expect(await change(`deleteClass(name: "uno") ${deleted}`)).toEqual({
      deletedId: null,
      errors: [{ code: 'UNKNOWN_CLASS', field: ['name'] }],
    });
    const actions = (await app.auditPage(null, 3)).map(({ action }) => action);
    expect(actions).toEqual(['deleteClass', 'deleteClass', 'mergeClasses']);
  });
});

describe('counterparts', () => {
  it('are pages by id', async () => {
    const { data } = await ask(
      `query ($id: ID!, $after: ID) { item(id: $id) {
        all: counterparts { externalId } one: counterparts(first: 1) { externalId }
        rest: counterparts(first: 5, after: $after) { externalId } } }`,
      { id: id('t1'), after: id('t2') },
    );
    expect(keys(data.item.all)).toEqual(['t2', 't3', 't4']);
    expect(keys(data.item.one)).toEqual(['t2']);
    expect(keys(data.item.rest)).toEqual(['t3', 't4']);
  });

  it('are a connection', async () => {
    const PAGE = `query ($id: ID!, $after: String) { item(id: $id) { counterpartsConnection(first: 2, after: $after) {
      totalCount nodes { externalId } pageInfo { hasNextPage hasPreviousPage endCursor } } } }`;
    const first = (await ask(PAGE, { id: id('t1') })).data.item.counterpartsConnection;
    expect(first).toMatchObject({ totalCount: 3, pageInfo: { hasNextPage: true, hasPreviousPage: false } });
    const after = first.pageInfo.endCursor;
    const next = (await ask(PAGE, { id: id('t1'), after })).data.item.counterpartsConnection;
    expect(next).toMatchObject({ totalCount: 3, pageInfo: { hasNextPage: false, hasPreviousPage: true } });
    expect(keys([...first.nodes, ...next.nodes])).toEqual(['t2', 't3', 't4']);
    const other = await ask(PAGE, { id: id('t2'), after });
    expect(other.errors).toMatchObject([{ extensions: { code: 'BAD_CURSOR', field: ['after'] } }]);
  });

  it.each([
    ['counterparts(first: 101) { id }', 'BAD_INPUT', 'first'],
    ['counterparts(first: 0) { id }', 'BAD_INPUT', 'first'],
    ['counterparts(after: "nonsense") { id }', 'BAD_CURSOR', 'after'],
    ['counterpartsConnection(first: 101) { totalCount }', 'BAD_INPUT', 'first'],
    ['counterpartsConnection(after: "nonsense") { totalCount }', 'BAD_CURSOR', 'after'],
  ])('refuse %s', async (field, code, argument) => {
    const answer = await ask(`query ($id: ID!) { item(id: $id) { ${field} } }`, { id: id('t1') });
    expect(answer.errors).toMatchObject([{ extensions: { code, field: [argument] } }]);
  });
});

describe('items', () => {
  const PAGE = `query ($orderBy: ItemOrder, $after: String, $filter: ItemFilter) {
    items(first: 2, orderBy: $orderBy, after: $after, filter: $filter) {
      nodes { externalId } pageInfo { hasNextPage endCursor } } }`;

  async function all(orderBy: object | null): Promise<string[]> {
    const seen: string[] = [];
    let after: string | null = null;
    for (;;) {
      const { items }: Data = (await ask(PAGE, { orderBy, after })).data;
      seen.push(...keys(items.nodes));
      if (!items.pageInfo.hasNextPage) return seen;
      after = items.pageInfo.endCursor;
    }
  }

  it('are ordered by title, by time, or as they were stored', async () => {
    expect(await all({ field: 'TITLE', direction: 'ASC' })).toEqual(['t2', 't4', 't1', 't3', 't5']);
    expect(await all({ field: 'TITLE' })).toEqual(['t3', 't1', 't4', 't2', 't5']);
    expect(await all({ field: 'CREATED_AT', direction: 'ASC' })).toEqual(KEYS);
    expect(await all({ field: 'CREATED_AT' })).toEqual(KEYS.toReversed());
    expect(await all(null)).toEqual(KEYS);
  });

  it('are not ordered by relevance, which only a search has', async () => {
    const answer = await ask(PAGE, { orderBy: { field: 'RELEVANCE' } });
    expect(answer.errors).toMatchObject([{ extensions: { code: 'BAD_INPUT', field: ['orderBy', 'field'] } }]);
  });

  it('refuse the cursor of another order, and one of no order', async () => {
    const { endCursor } = (await ask(PAGE, { orderBy: { field: 'TITLE' } })).data.items.pageInfo;
    for (const after of [endCursor, 'nonsense']) {
      const answer = await ask(PAGE, { orderBy: { field: 'CREATED_AT' }, after });
      expect(answer.errors).toMatchObject([{ extensions: { code: 'BAD_CURSOR', field: ['after'] } }]);
    }
  });

  it('and searches are filtered by id', async () => {
    const filter = { ids: [id('t2'), id('t4'), 'nonsense'] };
    const { data } = await ask(
      `query ($filter: ItemFilter) { items(filter: $filter) { totalCount }
        crossModalSearch(query: {text: "text t4"}, by: [COUNTERPART], filter: $filter) { mode nodes { externalId } } }`,
      { filter },
    );
    expect(data).toEqual({
      items: { totalCount: 2 },
      crossModalSearch: { mode: 'EXACT', nodes: [{ externalId: 't4' }, { externalId: 't2' }] },
    });
  });

  it('are filtered by 1000 ids at most', async () => {
    const many = (count: number) => ({ filter: { ids: Array(count).fill(id('t1')) } });
    expect(keys((await ask(PAGE, many(1000))).data.items.nodes)).toEqual(['t1']);
    const answer = await ask(PAGE, many(1001));
    expect(answer.errors).toMatchObject([{ extensions: { code: 'BAD_INPUT', field: ['filter', 'ids'] } }]);
  });
});

describe('facets', () => {
  it('count the items that match', async () => {
    const { data } = await ask(
      `query ($ids: [ID!]) { facets(filter: {ids: $ids}, metadataKeys: ["set"]) {
        total modalities { modality count } classes { class { name } count } metadata { key values { value filter count } } } }`,
      { ids: [id('t1'), id('t2')] },
    );
    expect(data.facets).toEqual({
      total: 2,
      modalities: [{ modality: 'TEXT', count: 2 }],
      classes: [{ class: { name: 'letter' }, count: 2 }],
      metadata: [{ key: 'set', values: [{ value: '1', filter: { set: 1 }, count: 2 }] }],
    });
  });

  it.skipIf(IN_TURN)('run one statement for each one that is selected', async () => {
    expect(await statementsOf('{ facets(metadataKeys: ["set"]) { total } }')).toBe(1);
    expect(await statementsOf('{ facets { modalities { count } classes { count } } }')).toBe(2);
    expect(await statementsOf('{ facets(metadataKeys: ["set"]) { metadata { key } } }')).toBe(1);
  });

  it.each([
    ['{ facets(metadataKeys: ["set", "no such"]) { metadata { key } } }', ['metadataKeys', '1']],
    ['{ facets(classes: 101) { total } }', ['classes']],
    ['{ facets(values: 0) { total } }', ['values']],
  ])('refuse %s', async (query, field) => {
    expect((await ask(query)).errors).toMatchObject([{ extensions: { code: 'BAD_INPUT', field } }]);
  });
});
