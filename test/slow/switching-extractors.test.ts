import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { ItemRow } from '../../src/catalog/types.js';
import type { TrainingProgress } from '../../src/services/encoders/training-progress.js';
import type { SearchRequest } from '../../src/services/search/search-request.js';
import { type Colour, drawShape, type Shape } from '../factories/shapes.js';
import { ingestShapes, openTestApp, QUICK, type TestApp } from '../support/app.js';
import { describeOnEachKind } from '../support/catalog.js';
import { saveTinyModel } from '../support/tiny-model.js';

// Each test trains twice. The timeout only ends a test that hangs.
vi.setConfig({ testTimeout: 300_000 });

const code = (expected: string, field?: readonly string[]) =>
  expect.objectContaining({ code: expected, ...(field && { field }) });
const SHORT = { ...QUICK, preset: 'paper', epochs: 3, force: true } as const;
const search = (query: SearchRequest['query'], more: Partial<SearchRequest> = {}): SearchRequest => ({
  query,
  target: null,
  by: ['CONTENT', 'COUNTERPART'],
  filter: null,
  first: 100,
  after: null,
  minScore: null,
  ...more,
});

describeOnEachKind('another image extractor', (kind) => {
  let app: TestApp;
  let folder: string;
  let model: string;
  beforeEach(async () => {
    app = await openTestApp(kind);
    folder = await mkdtemp(join(tmpdir(), 'commonspace-model-'));
    model = await saveTinyModel(join(folder, 'tiny'));
  });
  afterEach(async () => {
    await app.close();
    await rm(folder, { recursive: true });
  });

  const embedded = async (encoder: string, modality: ItemRow['modality']) => {
    let count = 0;
    for await (const { ids } of app.catalog.vectors.embeddingsOf(encoder, modality)) count += ids.length;
    return count;
  };
  const ingestOne = async (name: string, shape: Shape, colour: Colour, radius: number) => {
    const bytes = await drawShape(shape, colour, radius);
    const [outcome] = await app.ingest.ingest([{ content: { bytes }, externalId: name }]);
    expect(outcome).toMatchObject({ status: 'CREATED' });
    return bytes;
  };
  /** The name of the most similar image by its embedding, and the encoder of the search. */
  const closest = async (bytes: Buffer) => {
    const page = await app.search.search(search({ bytes }, { target: 'IMAGE', by: ['CONTENT'] }));
    return [page.results[0]?.item.externalId, page.encoderVersion];
  };

  it('can be switched to and back while searches and ingests run', async () => {
    await ingestShapes(app);
    const first = await app.training.train(SHORT);
    const query = await drawShape('ring', 'purple', 20);
    const found = new Set<string | null>();
    let searches = 0;
    let going = true;
    const searching = (async () => {
      while (going) {
        for (const asked of [{ bytes: query }, { text: 'a purple ring' }]) {
          const page = await app.search.search(search(asked));
          expect(page.results.length).toBeGreaterThan(50);
          found.add(page.encoderVersion);
          searches += 1;
        }
      }
    })();
    const progress: TrainingProgress[] = [];
    const meanwhile: Record<string, Promise<Buffer>> = {};
    const training = app.training.train(
      { ...SHORT, activate: false, imageExtractor: model },
      {
        onProgress: (event) => {
          progress.push(event);
          if (event.stage === 'train') meanwhile.train ??= ingestOne('in training', 'cross', 'red', 9);
          if (event.stage === 'embed') meanwhile.embed ??= ingestOne('in embedding', 'ring', 'blue', 9);
        },
      },
    );
    const trained = training.finally(() => {
      going = false;
    });
    const [second] = await Promise.all([trained, searching]);
    const late = { train: await meanwhile.train, embed: await meanwhile.embed };
    expect(searches).toBeGreaterThan(1);
    expect([...found]).toEqual([first.encoder]);
    expect(progress[0]).toEqual({ stage: 'features', done: 60, all: 60, failed: 0 });

    const row = await app.encoders.require(second.encoder);
    expect(row.imageExtractor).toMatch(/^tiny@1-/);
    expect(await closest(query)).toEqual([expect.anything(), first.encoder]);
    await app.encoders.activate(second.encoder, { force: true });
    for (const encoder of [first.encoder, second.encoder]) {
      expect(await embedded(encoder, 'IMAGE')).toBe(62);
      expect(await embedded(encoder, 'TEXT')).toBe(60);
    }
    expect(await closest(late.train as Buffer)).toEqual(['in training', second.encoder]);
    expect(await closest(late.embed as Buffer)).toEqual(['in embedding', second.encoder]);
    expect((await app.search.search(search({ bytes: query }, { by: ['COUNTERPART'] }))).results).toHaveLength(
      100,
    );

    const after = await ingestOne('after the switch', 'square', 'green', 9);
    expect(await closest(after)).toEqual(['after the switch', second.encoder]);
    await app.encoders.activate(first.encoder, { force: false });
    expect(await closest(after)).toEqual(['after the switch', first.encoder]);
    expect(app.unexpected).toEqual([]);
  });

  it('fails only searches by an image if its files are missing', async () => {
    await ingestShapes(app);
    const trained = await app.training.train({ ...SHORT, imageExtractor: model });
    const query = await drawShape('ring', 'purple', 20);
    expect(await closest(query)).toEqual([expect.anything(), trained.encoder]);
    const [stored] = (await app.items.page({ modality: 'IMAGE' }, 1, null)).items;

    await rename(join(folder, 'tiny'), join(folder, 'elsewhere'));
    await app.restart();
    await expect(closest(query)).rejects.toEqual(code('EXTRACTOR_MISSING'));
    const byText = await app.search.search(search({ text: 'a purple ring' }, { by: ['CONTENT'] }));
    expect(byText).toMatchObject({ encoderVersion: trained.encoder });
    expect(byText.results).toHaveLength(100);
    const byItem = await app.search.search(search({ itemId: stored?.item.id ?? '' }));
    expect(byItem.results[0]?.item.id).toBe(stored?.item.id);
    const late = await ingestOne('stored meanwhile', 'cross', 'red', 9);
    expect(app.unexpected).toEqual([code('EXTRACTOR_MISSING')]);
    await expect(app.training.train({ ...SHORT, imageExtractor: model })).rejects.toEqual(code('BAD_MODEL'));

    // After the folder has moved, the configuration names its new path, and the missing features are extracted.
    const moved = `dir:${join(folder, 'elsewhere')}`;
    await app.restart({ imageModels: [moved] });
    expect(await closest(query)).toEqual([expect.anything(), trained.encoder]);
    await app.upkeep.complete();
    expect(await closest(late)).toEqual(['stored meanwhile', trained.encoder]);
  });

  it('continues past stored images whose files are missing, and counts and names them', async () => {
    await ingestShapes(app);
    const [first, second] = (await app.items.page({ modality: 'IMAGE' }, 2, null)).items;
    await app.store.remove(first?.item.contentHash ?? '');
    await app.catalog.database.runOnce(`DELETE FROM feature WHERE item_id = $1`, [second?.item.id]);
    const counts: unknown[] = [];
    const report = await app.training.train(
      { ...SHORT, imageExtractor: model },
      { onProgress: (event) => event.stage === 'features' && counts.push(event) },
    );
    expect(counts[0]).toEqual({ stage: 'features', done: 60, all: 60, failed: 1 });
    expect(report.notes.join(' ')).toContain(`${first?.item.externalId} (MEDIA_NOT_FOUND)`);
    expect(await embedded(report.encoder, 'IMAGE')).toBe(59);
  });

  it('may be any for the operator, and only a configured one for callers of the API', async () => {
    await ingestShapes(app);
    const ask = (imageExtractor: string) => app.training.enqueue({ ...SHORT, imageExtractor });
    const refused = code('BAD_INPUT', ['imageExtractor']);
    await expect(ask(model)).rejects.toEqual(refused);
    await expect(ask('clip')).rejects.toEqual(refused);
    await expect(app.training.train({ ...SHORT, imageExtractor: 'clip' })).rejects.toEqual(refused);
    expect(await ask('default')).toMatchObject({ imageExtractor: 'mobilenet-mid+hsv-hog@1' });
    expect(await ask('hsv-hog@1')).toMatchObject({ imageExtractor: 'hsv-hog@1' });

    await app.restart({ imageModels: [model] });
    const queued = await ask(model);
    expect(queued.imageExtractor).toMatch(/^tiny@1-/);
    expect(await ask(queued.imageExtractor)).toMatchObject({ imageExtractor: queued.imageExtractor });
  });
});
