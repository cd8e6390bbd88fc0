import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openTestApp, type TestApp } from '../support/app.js';
import { IN_TURN, SERVED_KIND, type Served, serveApp } from '../support/served-app.js';

let app: TestApp;
let http: Served;

beforeAll(async () => {
  app = await openTestApp(SERVED_KIND);
  http = await serveApp(app);
  await app.ingest.ingest(
    ['red car at night', 'red car', 'red car in the rain', 'blue car', 'a tree'].map((text, i) => ({
      content: { text },
      externalId: text,
      title: `t${5 - i}`,
      classes: [text.includes('car') ? 'car' : 'tree'],
      metadata: { set: i % 2 },
    })),
  );
});
afterAll(async () => {
  expect(app.unexpected).toEqual([]);
  await http.close();
  await app.close();
});

interface Search {
  readonly nodes: readonly { readonly externalId: string }[];
  readonly totalCount?: number | null;
  readonly facets?: unknown;
}
interface Answer {
  readonly data: { readonly crossModalSearch: Search };
  readonly errors?: readonly { readonly extensions: object }[];
}

async function search(args: string, selection = 'nodes { externalId }'): Promise<Answer> {
  const query = `{ crossModalSearch(target: TEXT, ${args}) { ${selection} } }`;
  const response = await http.inject({ method: 'POST', url: '/graphql', payload: { query } });
  return response.json();
}
const keys = async (args: string) =>
  (await search(args)).data.crossModalSearch.nodes.map(({ externalId }) => externalId);

it('combines queries, of which one is negative', async () => {
  const plain = await keys('query: {text: "red car"}');
  expect(await keys('query: {all: [{text: "red car"}]}')).toEqual(plain);
  const minus = await keys('query: {all: [{text: "red car"}, {text: "at night", weight: -1}]}');
  expect(minus[0]).toBe('red car');
  expect(minus.indexOf('red car at night')).toBeGreaterThan(plain.indexOf('red car at night'));
});

it.each([
  ['query: {all: []}', ['query', 'all']],
  ['query: {all: [{text: "x", className: "car"}]}', ['query', 'all', '0']],
  ['query: {all: [{text: "x"}, {weight: 2}]}', ['query', 'all', '1']],
  ['query: {all: [{text: "x"}, {text: "", weight: 2}]}', ['query', 'all', '1', 'text']],
  ['query: {text: "x"}, orderBy: {field: TITLE}', ['orderBy']],
  ['query: {text: "x"}, groupBy: {by: METADATA}', ['groupBy', 'key']],
])('refuses %s', async (args, field) => {
  expect((await search(args)).errors).toMatchObject([{ extensions: { field } }]);
});

it('orders, groups and counts what matches', async () => {
  const cut = 'query: {text: "red car"}, minScore: 0.000001';
  const all = await keys(cut);
  const ordered = await keys(`${cut}, orderBy: {field: TITLE, direction: ASC}`);
  expect(ordered).toEqual(
    ['a tree', 'blue car', 'red car in the rain', 'red car', 'red car at night'].filter((key) =>
      all.includes(key),
    ),
  );
  expect(await keys(`${cut}, groupBy: {by: CLASS}`)).toEqual(
    all.filter((key) => ['red car', 'a tree'].includes(key)),
  );
  const counts = 'totalCount facets(metadataKeys: ["set"]) { total classes { class { name } count } }';
  const filter = 'filter: {classNames: ["car"]}';
  const { data } = await search(`query: {text: "red car"}, first: 1, ${filter}`, counts);
  expect(data.crossModalSearch).toMatchObject({
    totalCount: 4,
    facets: { total: 4, classes: [{ class: { name: 'car' }, count: 4 }] },
  });
  expect((await search(cut, 'totalCount')).data.crossModalSearch.totalCount).toBe(all.length);
  const none = await search('query: {text: "red car"}', counts);
  expect(none.data.crossModalSearch).toEqual({ totalCount: null, facets: null });
});

it.skipIf(IN_TURN)('counts only if that is selected', async () => {
  const spy = vi.spyOn(app.catalog.items, 'count');
  const args = 'query: {text: "red car"}, filter: {classNames: ["car"]}';
  await search(args);
  expect(spy).not.toHaveBeenCalled();
  await search(args, 'totalCount');
  expect(spy).toHaveBeenCalledTimes(1);
  spy.mockRestore();
});
