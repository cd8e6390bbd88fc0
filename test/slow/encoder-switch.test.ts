import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { MODALITIES } from '../../src/domain/modality.js';
import { dot } from '../../src/domain/vectors.js';
import type { SearchQuery } from '../../src/services/search/query-reader.js';
import type { SearchPage } from '../../src/services/search/search-service.js';
import { drawShape } from '../factories/shapes.js';
import { ingestShapes, openTestApp, QUICK, type TestApp } from '../support/app.js';
import { describeOnEachKind } from '../support/catalog.js';

/** The largest difference between a similarity of the database, in single precision, and ours. */
const ROUNDING = 1e-4;
const LEAST_SEARCHES = 2000;

describeOnEachKind('searches while encoders are trained and switched', (kind) => {
  let app: TestApp;
  beforeEach(async () => {
    app = await openTestApp(kind);
    await ingestShapes(app);
  });
  afterEach(() => app.close());

  it('never fail, never mix versions and never miss an item', async () => {
    const quick = { ...QUICK, preset: 'paper' as const, epochs: 2 };
    const first = await app.training.train(quick);
    const ingested = { IMAGE: 60, TEXT: 60 };
    let searching = true;
    const failures: unknown[] = [];
    const versions = new Map<string, number>();
    let searches = 0;

    const search = (query: SearchQuery, target: 'IMAGE' | 'TEXT', after: string | null = null) =>
      app.search.search({
        query,
        target,
        by: ['CONTENT'],
        filter: null,
        first: 100,
        after,
        minScore: null,
      });

    const keepSearching = async (queries: readonly SearchQuery[]) => {
      for (let i = 0; searching; i += 1) {
        const target = MODALITIES[i % 2] as 'IMAGE' | 'TEXT';
        const query = queries[i % queries.length] as SearchQuery;
        const least = Math.min(100, ingested[target]);
        try {
          const page = await search(query, target);
          if (page.results.length < least) throw new Error(`${page.results.length} of ${least} items found`);
          await checkVersion(app, query, page);
          versions.set(page.encoderVersion ?? '', (versions.get(page.encoderVersion ?? '') ?? 0) + 1);
        } catch (error) {
          failures.push(error);
        }
        searches += 1;
        // The server runs in the same thread: let it work.
        if (i % 4 === 3) await setTimeout(1);
      }
    };
    const keepIngesting = async () => {
      for (let i = 0; searching && i < 30; i += 1) {
        const png = await drawShape('circle', 'red', 5 + i);
        const outcomes = await app.ingest.ingest([
          { content: { bytes: png }, externalId: `late-${i}.png`, pairKey: `late-${i}` },
          { content: { text: `a late circle, number ${i}` }, externalId: `late-${i}`, pairKey: `late-${i}` },
        ]);
        failures.push(...outcomes.filter((outcome) => outcome.status !== 'CREATED'));
        ingested.IMAGE += 1;
        ingested.TEXT += 1;
        await setTimeout(30);
      }
    };

    const items = (await app.items.page(null, 20, null)).items.map(({ item }) => ({ itemId: item.id }));
    const work = [
      keepSearching(items),
      keepSearching([{ text: 'a big red circle' }, { text: 'a small blue ring' }]),
      keepIngesting(),
    ];
    app.trainingRunner.start();
    const queued = await app.training.enqueue({ ...quick, seed: 2, activate: false });
    let row = queued;
    for await (const next of app.encoders.watch(queued.id, AbortSignal.timeout(600_000))) row = next;
    expect(row.state).toBe('ready');
    const turns = [queued.id, first.encoder, queued.id, first.encoder, queued.id, first.encoder];
    for (const id of turns) {
      await app.encoders.activate(id, { force: true });
      await setTimeout(200);
    }
    while (searches < LEAST_SEARCHES && failures.length === 0) await setTimeout(50);
    searching = false;
    await Promise.all(work);

    expect(failures).toEqual([]);
    expect(app.unexpected).toEqual([]);
    expect(searches).toBeGreaterThanOrEqual(LEAST_SEARCHES);
    expect([...versions.keys()].sort()).toEqual([first.encoder, queued.id].sort());
    expect(await app.items.countByModality()).toEqual(ingested);
    // Both encoders have embedded every item.
    for (const id of [first.encoder, queued.id]) {
      expect(await embedded(app, id)).toEqual(ingested);
      await app.encoders.activate(id, { force: true });
      const found = (await search({ text: 'a circle' }, 'TEXT')).results.length;
      expect(found).toBe(Math.min(100, ingested.TEXT));
    }
    // A cursor is refused after a switch, because it belongs to the other encoder's ranking.
    const [edge] = (await search({ text: 'a circle' }, 'TEXT')).results;
    await app.encoders.activate(first.encoder, { force: true });
    await expect(search({ text: 'a circle' }, 'TEXT', edge?.cursor ?? '')).rejects.toMatchObject({
      code: 'BAD_CURSOR',
      field: ['after'],
    });
  }, 900_000);
});

/** Every similarity must be that of the version's own embeddings of query and hit. */
async function checkVersion(app: TestApp, query: SearchQuery, page: SearchPage): Promise<void> {
  const version = page.encoderVersion;
  if (version === null) throw new Error('no encoder took part');
  if (!('itemId' in query)) return;
  const hits = page.results.slice(0, 5);
  const ids = [query.itemId, ...hits.map(({ item }) => item.id)];
  const embeddings = await app.catalog.vectors.embeddingsByIds(version, ids);
  const asked = embeddings.get(query.itemId);
  for (const { item, score } of hits) {
    const its = embeddings.get(item.id);
    if (asked === undefined || its === undefined) throw new Error('an item without an embedding was found');
    const similarity = dot(asked, its);
    if (Math.abs(similarity - score) > ROUNDING) {
      throw new Error(`similarity ${score} is not version ${version}'s, ${similarity}`);
    }
  }
}

async function embedded(app: TestApp, encoderId: string): Promise<{ IMAGE: number; TEXT: number }> {
  const counts = { IMAGE: 0, TEXT: 0 };
  for (const modality of MODALITIES) {
    for await (const { ids } of app.catalog.vectors.embeddingsOf(encoderId, modality)) {
      counts[modality] += ids.length;
    }
  }
  return counts;
}
