import { join } from 'node:path';
import { openCatalog } from './catalog/catalog.js';
import type { Config } from './config.js';
import { CommonspaceError, throwIfCancelled } from './domain/errors.js';
import { createFeatureExtractors } from './features/create-feature-extractors.js';
import { createMediaStore, type MediaStore } from './media/media-store.js';
import type { App } from './services/app.js';
import { createServices, type Parts } from './services/services.js';
import { reportExtractors } from './services/serving/extractor-report.js';
import { stopServices } from './services/stop-services.js';

/**
 * Opens the parts of the application and connects them. `close` closes them in the opposite order.
 *
 * @param signal ends the opening, also a download of a model
 * @throws CommonspaceError if the database or the data folder cannot be used; CANCELLED. All parts are closed then.
 */
export async function openApp(
  config: Config,
  reportUnexpected: Parts['reportUnexpected'],
  signal?: AbortSignal,
): Promise<App> {
  const catalog = await openCatalog({
    dataDir: config.dataDir,
    ...(config.databaseUrl !== null && { databaseUrl: config.databaseUrl }),
    replicaUrls: config.replicaUrls,
    replicaLimits: { lagMs: config.replicaLagSeconds * 1000 },
    ...(config.embeddedBuffers !== null && { sharedBuffers: config.embeddedBuffers }),
    onError: reportUnexpected,
  });
  try {
    throwIfCancelled(signal);
    const media = await openMedia(config, reportUnexpected);
    const features = await createFeatureExtractors({
      image: config.imageModel,
      text: config.textModel,
      hub: {
        folder: join(config.dataDir, 'models'),
        endpoint: config.modelHub,
        maxBytes: config.modelMegabytes * 2 ** 20,
        allowNetworks: config.fetchAllow,
        signal,
      },
      signal,
      ...(config.workers !== null && { workers: config.workers }),
    });
    const services = createServices({
      catalog,
      features,
      media,
      imageModels: config.imageModels,
      textModels: config.textModels,
      fetchPolicy: { allowNetworks: config.fetchAllow },
      bulk: {
        folder: join(config.dataDir, 'uploads'),
        maxBytes: config.uploadMegabytes * 2 ** 20,
        sources: config.ingestFolders,
      },
      runsFolder: join(config.dataDir, 'runs'),
      versions: { keepRetired: config.keepEncoders, tolerance: config.promotionTolerance },
      querySamples: config.sampleQueries ? {} : null,
      perMinute: { cost: config.costPerMinute, bytes: config.bytesPerMinute },
      reportUnexpected,
    });
    // Runs of a process that ended without finishing them become resumable.
    await services.trainingRunner.recover();
    return {
      ...services,
      describe: async () => ({
        database: { kind: catalog.kind, ...(await catalog.describe()) },
        media: media.place,
        imageExtractor: features.image.id,
        textExtractor: features.text.id,
        imageExtractors: await reportExtractors(catalog, services.imageExtractors),
        textExtractors: await reportExtractors(catalog, services.textExtractors),
        lackingIndexes: await catalog.indexes.lacking(),
        backend: await features.backend(),
      }),
      nodes: catalog.nodes,
      maintain: async () => {
        await services.indexes.ensure();
        await catalog.maintain();
      },
      warmUp: async () => {
        // If a model of the encoder cannot be opened, the server starts nevertheless: other searches still work.
        const active = await catalog.encoders.active();
        await features.warmUp(
          await services.imageExtractors.of(active).catch(() => features.image),
          await services.textExtractors.of(active).catch(() => features.text),
        );
      },
      close: async () => {
        await stopServices(services);
        await features.close();
        await catalog.close();
      },
    };
  } catch (error) {
    await catalog.close();
    throw error;
  }
}

async function openMedia(
  { dataDir, media: s3 }: Config,
  report: Parts['reportUnexpected'],
): Promise<MediaStore> {
  try {
    return await createMediaStore({ directory: join(dataDir, 'media'), s3, report });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === undefined || (error instanceof CommonspaceError && error.code === 'BAD_CONFIG')) throw error;
    throw new CommonspaceError(
      'DATA_FOLDER_NOT_WRITABLE',
      `The data folder ${dataDir} cannot be written to (${code}).`,
      ['data'],
      {
        cause: error,
      },
    );
  }
}
