import { join } from 'node:path';
import { createFeatureExtractors } from '../../src/features/create-feature-extractors.js';
import type { FeatureExtractors } from '../../src/features/types.js';
import { createMediaStore, type MediaStore } from '../../src/media/media-store.js';
import { createServices, type Services } from '../../src/services/services.js';
import type { TrainRequest } from '../../src/services/training-service.js';
import { shapePairs } from '../factories/shapes.js';
import { type DatabaseKind, openTestCatalog, type TestCatalog } from './catalog.js';

/** The real services on a fresh database: nothing in them is a stand-in. */
export interface TestApp extends Services {
  readonly catalog: TestCatalog['catalog'];
  readonly store: MediaStore;
  readonly features: FeatureExtractors;
  /** What was reported as unexpected. */
  readonly unexpected: unknown[];
  close(): Promise<void>;
}

/** @param kind which server to use; see openTestCatalog */
export async function openTestApp(kind: DatabaseKind = 'embedded'): Promise<TestApp> {
  const test = await openTestCatalog(kind);
  const store = await createMediaStore({ directory: join(test.dataDir, 'media') });
  // Colours and outlines are enough for coloured shapes, and need no network.
  const features = await createFeatureExtractors({ image: 'hsv-hog', workers: 1 });
  const unexpected: unknown[] = [];
  const services = createServices({
    catalog: test.catalog,
    features,
    media: store,
    fetchPolicy: { allowNetworks: [] },
    runsFolder: join(test.dataDir, 'runs'),
    reportUnexpected: (error) => unexpected.push(error),
  });
  return {
    ...services,
    catalog: test.catalog,
    store,
    features,
    unexpected,
    close: async () => {
      await services.trainingRunner.stop();
      await features.close();
      await test.dispose();
    },
  };
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
};
