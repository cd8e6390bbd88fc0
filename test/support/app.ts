import { join } from 'node:path';
import { type Catalog, openCatalog } from '../../src/catalog/catalog.js';
import { openApp } from '../../src/compose.js';
import { readConfig } from '../../src/config.js';
import type { MediaBucket } from '../../src/domain/media-bucket.js';
import { createFeatureExtractors } from '../../src/features/create-feature-extractors.js';
import type { HubOptions } from '../../src/features/hub/hub-options.js';
import type { FeatureExtractors } from '../../src/features/types.js';
import { createMediaStore, type MediaStore } from '../../src/media/media-store.js';
import type { App } from '../../src/services/app.js';
import type { SamplerOptions } from '../../src/services/drift/query-sampler.js';
import type { TrainRequest } from '../../src/services/encoders/train-request.js';
import { createServices, type Services } from '../../src/services/services.js';
import { stopServices } from '../../src/services/stop-services.js';
import { shapePairs } from '../factories/shapes.js';
import { type DatabaseKind, openTestCatalog, type TestCatalog } from './catalog.js';

/** The real services on a fresh database, without mocks. */
export interface TestApp extends Services {
  readonly catalog: TestCatalog['catalog'];
  /** Address of the native server's database; null on the embedded one. */
  readonly url: string | null;
  readonly store: MediaStore;
  /** The folder of the files of trainings. */
  readonly runs: string;
  readonly features: FeatureExtractors;
  /** The unexpected errors that were reported, with lost connections. */
  readonly unexpected: unknown[];
  /** Services of their own on the same database, as another process has them, until this application is closed. */
  another(): Promise<Services>;
  /** Stops all services and threads and starts new ones on the same database, as a new process would. */
  restart(options?: TestAppOptions): Promise<void>;
  close(): Promise<void>;
}

export interface TestAppOptions {
  /** The configured image extractor; hsv-hog by default, which distinguishes coloured shapes and needs no network. */
  readonly image?: string;
  readonly imageModels?: readonly string[];
  readonly text?: string;
  readonly textModels?: readonly string[];
  readonly hub?: HubOptions;
  /** Networks that `imageUrl` may reach besides the public internet. */
  readonly fetchAllow?: readonly string[];
  /** How queries are sampled; null, the default: not at all. */
  readonly querySamples?: SamplerOptions | null;
  /** Folders that bulk ingests may name. */
  readonly ingestFolders?: readonly string[];
  /** Object storage of the pictures; the folder by default. */
  readonly s3?: MediaBucket;
}

/** @param kind which server to use; see openTestCatalog */
export async function openTestApp(
  kind: DatabaseKind = 'embedded',
  options: TestAppOptions = {},
): Promise<TestApp> {
  const unexpected: unknown[] = [];
  const test = await openTestCatalog(kind, (error) => unexpected.push(error));
  const store = await createMediaStore({ directory: join(test.dataDir, 'media'), s3: options.s3 ?? null });
  const begin = async (
    {
      image = 'hsv-hog',
      text = 'default',
      imageModels = [],
      textModels = [],
      hub,
      fetchAllow = [],
      querySamples = null,
      ingestFolders = [],
    }: TestAppOptions,
    catalog: Catalog = test.catalog,
  ) => {
    const features = await createFeatureExtractors({ image, text, workers: 1, ...(hub && { hub }) });
    const services = createServices({
      catalog,
      features,
      media: store,
      imageModels,
      textModels,
      fetchPolicy: { allowNetworks: fetchAllow },
      bulk: { folder: join(test.dataDir, 'uploads'), maxBytes: 2 ** 20, sources: ingestFolders },
      runsFolder: join(test.dataDir, 'runs'),
      querySamples,
      reportUnexpected: (error) => unexpected.push(error),
    });
    return { ...services, features };
  };
  let running = await begin(options);
  const end = async () => {
    await stopServices(running);
    await running.features.close();
  };
  const others: (() => Promise<void>)[] = [];
  const app: TestApp = {
    ...running,
    catalog: test.catalog,
    url: test.url,
    store,
    runs: join(test.dataDir, 'runs'),
    unexpected,
    another: async () => {
      const catalog = test.url === null ? test.catalog : await openCatalog({ databaseUrl: test.url });
      const services = await begin(options, catalog);
      others.push(async () => {
        await stopServices(services);
        await services.features.close();
        if (catalog !== test.catalog) await catalog.close();
      });
      return services;
    },
    restart: async (again = {}) => {
      await end();
      running = await begin(again);
      Object.assign(app, running);
    },
    close: async () => {
      for (const close of others) await close();
      await end();
      await test.dispose();
    },
  };
  return app;
}

/** Runs `work` with the application that the environment configures, and closes it, so that another process can use the folder. */
export async function withApp<T>(env: NodeJS.ProcessEnv, work: (app: App) => Promise<T>): Promise<T> {
  const app = await openApp(readConfig({}, env), (error) => {
    throw error;
  });
  try {
    return await work(app);
  } finally {
    await app.close();
  }
}

/** Ingests the coloured shapes: 60 pairs of 5 classes. */
export async function ingestShapes(app: Services, options: { classes?: boolean } = {}): Promise<void> {
  const pairs = await shapePairs();
  const items = pairs.flatMap(({ key, png, caption, shape }) => {
    const common = { pairKey: key, classes: options.classes === false ? [] : [shape] };
    return [
      { ...common, externalId: `${key}.png`, content: { bytes: png } },
      { ...common, externalId: `${key}.txt`, content: { text: caption } },
    ];
  });
  const outcomes = await app.ingest.ingest(items);
  const failed = outcomes.find((outcome) => outcome.status === 'FAILED');
  if (failed) throw new Error(JSON.stringify(failed));
}

/** A training that takes seconds. */
export const QUICK: TrainRequest = {
  preset: 'default',
  seed: 1,
  unseen: [],
  holdout: 0.2,
  epochs: 12,
  learnFrom: null,
  options: { tune: 'none' },
};
