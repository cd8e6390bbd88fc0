import { relative } from 'node:path';
import type { App } from '../../services/app.js';
import type { ImportReport } from '../../services/archive/archive-import.js';
import { storedEvaluation } from '../../services/encoders/stored-evaluation.js';
import { storedProgress } from '../../services/encoders/training-progress.js';
import type { TrainingCallbacks } from '../../services/encoders/training-service.js';
import type { BatchReport, BulkOptions } from '../../services/ingest/bulk/bulk-ingest.js';
import type { RowSource } from '../../services/ingest/bulk/row-source.js';
import type { ClassRow, EncoderRow, ItemRow } from '../../services/models.js';
import type { SearchPage, SearchResult } from '../../services/search/search-service.js';
import type {
  Backend,
  ClassChangeBackend,
  ClassList,
  CliSearch,
  EncoderBackend,
  EncoderView,
  Found,
  FoundItem,
  ImportHooks,
  ShownExplanation,
  TrainingBackend,
  TrainingHooks,
} from './backend.js';
import { localJobs } from './local-jobs.js';

/** Width of the thumbnails whose paths are shown, in pixels. */
const THUMBNAIL_WIDTH = 256;

/** The backend by the services of this process. */
export function localBackend(app: App): Backend {
  return {
    encoders: encoderBackend(app),
    training: trainingBackend(app),
    jobs: localJobs(app),
    classChanges: classChangeBackend(app),
    ingest: (source, options) => ingest(app, source, options),
    search: (request, options) => search(app, request, options),
    classes: (part, first) => classes(app, part, first),
    backup: async (options) => app.backup.stream(options),
    importCatalogue: (file, options) => importCatalogue(app, file, options),
    exportCatalogue: async (options) => app.archiveExport.stream(options),
  };
}

/** What depends on the number of items is brought up to date at the end. */
async function* ingest(app: App, source: RowSource, options: BulkOptions): AsyncGenerator<BatchReport> {
  let stored = 0;
  for await (const report of app.bulkIngest.run(source, options)) {
    stored += report.items.created + report.items.updated;
    yield report;
  }
  if (stored > 0) await app.maintain();
}

async function importCatalogue(
  app: App,
  file: string,
  { onProgress, ...options }: ImportHooks & { readonly merge: boolean },
): Promise<ImportReport> {
  const report = await app.archiveImport.run(file, {
    ...options,
    onProgress: (done, all) => onProgress(done, all, 'members'),
  });
  if (report.items + report.vectors > 0) await app.maintain();
  return report;
}

async function search(
  app: App,
  { classNames, minScore, ...request }: CliSearch,
  { explain, signal }: { readonly explain: boolean; readonly signal: AbortSignal },
): Promise<Found> {
  const page = await app.search.search(
    {
      ...request,
      filter: classNames === null ? null : { classNames },
      after: null,
      minScore: minScore === 'auto' ? null : minScore,
      threshold: minScore === 'auto' ? 'AUTO' : 'NONE',
    },
    { signal },
  );
  const [explanations, classesOf] = await Promise.all([
    explain ? explanationsOf(app, page) : null,
    app.items.classesOf(page.results.map(({ item }) => item.id)),
  ]);
  const results = await Promise.all(
    page.results.map(
      async ({ item, rank, score }: SearchResult): Promise<FoundItem> => ({
        rank,
        score,
        id: item.id,
        modality: item.modality,
        externalId: item.externalId,
        title: item.title,
        text: item.modality === 'TEXT' ? item.text : null,
        file: typeof item.metadata.file === 'string' ? item.metadata.file : null,
        classes: (classesOf.get(item.id) ?? []).map(({ name }) => name),
        thumbnail: await thumbnailOf(app, item),
        ...(explanations !== null && { explanation: explanations.get(item.id) ?? null }),
      }),
    ),
  );
  return { mode: page.mode, encoder: page.encoderVersion, results };
}

async function thumbnailOf(app: App, item: ItemRow): Promise<string | null> {
  if (item.modality === 'TEXT') return null;
  const { path } = (await app.media.file(item.contentHash, THUMBNAIL_WIDTH)).object;
  return path === null ? null : relative('', path);
}

/** What speaks for each result of a page; empty where no encoder is active. */
async function explanationsOf(
  app: App,
  { explainedBy, results }: SearchPage,
): Promise<ReadonlyMap<string, ShownExplanation>> {
  if (explainedBy === null) return new Map();
  const ids = results.map(({ item }) => item.id);
  const found = await app.explanations.explain(explainedBy, ids);
  return new Map(
    [...found].map(([id, { similarity, classes: near, pairs }]) => [
      id,
      {
        similarity,
        classes: near.map(({ class: { name }, querySimilarity: query, itemSimilarity: item }) => ({
          name,
          query,
          item,
        })),
        pairs: pairs.map(({ image, text, querySimilarity, itemSimilarity }) => ({
          image: image.title ?? image.externalId ?? image.id,
          text: text.text,
          query: querySimilarity,
          item: itemSimilarity,
        })),
      },
    ]),
  );
}

async function classes(app: App, part: string | null, first: number): Promise<ClassList> {
  const page = await app.classes.page(part, null, first, null);
  const ids = page.classes.map(({ row }) => row.id);
  const [images, texts, seen] = await Promise.all([
    app.classes.itemCounts(ids, 'IMAGE'),
    app.classes.itemCounts(ids, 'TEXT'),
    app.classes.seenIds(),
  ]);
  return {
    totalCount: await page.count(),
    classes: page.classes.map(({ row: { id, name, description } }) => ({
      id,
      name,
      description,
      images: images.get(id) ?? 0,
      texts: texts.get(id) ?? 0,
      seen: seen.has(id),
    })),
  };
}

function classChangeBackend({ classChanges }: App): ClassChangeBackend {
  return {
    rename: async (name, newName, description) =>
      namedClass(await classChanges.rename({ name }, newName, description)),
    merge: async (from, into) => namedClass(await classChanges.merge(from, into)),
    delete: async (name) => (await classChanges.delete({ name })).id,
  };
}

const namedClass = ({ id, name, description }: ClassRow) => ({ id, name, description });

function encoderBackend({ encoders, training }: App): EncoderBackend {
  const view = (row: EncoderRow): EncoderView => viewOf(row, () => encoders.parts(row));
  return {
    async page(state, first) {
      const page = await encoders.page(state === null ? null : [state], first, null);
      return { totalCount: await page.count(), encoders: page.encoders.map(({ row }) => view(row)) };
    },
    require: async (id) => view(await encoders.require(id)),
    previous: async () => (await encoders.previous()).id,
    active: async () => (await training.active())?.id ?? null,
    activate: async (id, options) => (await encoders.activate(id, options)).id,
    remove: (id) => encoders.remove(id),
    cancel: async (id) => void (await training.cancel(id)),
  };
}

function trainingBackend({ training, encoders }: App): TrainingBackend {
  return {
    train: (request, hooks) => training.train(request, callbacksOf(hooks)),
    resume: (id, hooks) => training.resumeHere(id, callbacksOf(hooks)),
    adopt: (request, hooks) => training.adopt(request, callbacksOf(hooks)),
    async isResumable(id) {
      // The run is removed if it has neither weights nor a checkpoint.
      const row = await encoders.byId(id);
      return row?.state === 'failed' || row?.state === 'cancelled';
    },
  };
}

function callbacksOf({ onProgress, ...hooks }: TrainingHooks): TrainingCallbacks {
  if (onProgress === undefined) return hooks;
  return {
    ...hooks,
    onProgress: (event) => onProgress({ ...(event.stage === 'features' && event), ...storedProgress(event) }),
  };
}

function viewOf(row: EncoderRow, parts: EncoderView['parts']): EncoderView {
  const { id, state, dimension, imageExtractor, textExtractor, createdAt, activatedAt, retiredAt } = row;
  const {
    pairs = null,
    classes: classCount = null,
    promotion = null,
    seconds = null,
    notes = [],
  } = row.report;
  return {
    id,
    state,
    progress: 'progress' in row ? row.progress : null,
    failure: row.state === 'failed' ? row.failure : null,
    preset: row.request?.preset ?? row.config.preset ?? null,
    seed: row.request?.seed ?? row.config.seed ?? null,
    dimension,
    imageExtractor,
    textExtractor,
    pairs,
    classes: classCount,
    seconds,
    evaluation: storedEvaluation(row),
    promotion,
    notes,
    createdAt,
    activatedAt,
    retiredAt,
    parts,
  };
}
