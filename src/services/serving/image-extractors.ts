import type { Catalog } from '../../catalog/catalog.js';
import type { EncoderRow } from '../../catalog/types.js';
import { CommonspaceError, type FieldPath, type ReportUnexpected } from '../../domain/errors.js';
import { builtInImageExtractors, readImageExtractorName } from '../../features/image/load-image-extractor.js';
import type { FeatureExtractors, OpenImageExtractor } from '../../features/types.js';

/** A failed opening is retried after this time, because the folder may reappear. */
const RETRY_MS = 10_000;

/** The fields of an encoder that identify its image extractor. */
export type ReadsImages = Pick<EncoderRow, 'id' | 'imageExtractor' | 'request'>;

/**
 * The image extractors that encoders were trained on. The catalogue names them. Each is opened on first use and closed when
 * no live encoder needs it.
 */
export class ImageExtractors {
  private readonly opening = new Map<string, Promise<OpenImageExtractor>>();
  private readonly reported = new WeakSet<Error>();
  /** How many running operations need each one open. */
  private readonly kept = new Map<string, number>();

  /** @param allowed names that callers of the API may give, besides the built-in ones and the configured one */
  constructor(
    private readonly catalog: Catalog,
    private readonly features: FeatureExtractors,
    private readonly allowed: readonly string[],
    private readonly reportUnexpected: ReportUnexpected,
  ) {}

  /** The configured extractor: the default of new trainings, and that of searches before any training. */
  get byDefault(): OpenImageExtractor {
    return this.features.image;
  }

  /**
   * The extractor that an encoder was trained on; the configured one without an encoder.
   *
   * @throws CommonspaceError EXTRACTOR_MISSING if it cannot be opened, or its files have changed.
   */
  of(encoder: ReadsImages | null): Promise<OpenImageExtractor> {
    const id = encoder?.imageExtractor ?? this.byDefault.id;
    if (encoder === null || id === this.byDefault.id) return Promise.resolve(this.byDefault);
    const known = this.opening.get(id);
    if (known !== undefined) return known;
    const opening = this.openFor(encoder);
    this.opening.set(id, opening);
    opening.catch(() => {
      setTimeout(() => this.opening.delete(id), RETRY_MS).unref();
    });
    return opening;
  }

  /**
   * The extractors whose features new images need: the configured one first, then those of the live encoders. One that
   * cannot be opened is left out and reported. Extractors that no live encoder needs are closed.
   */
  async needed(live: readonly ReadsImages[]): Promise<OpenImageExtractor[]> {
    const byId = new Map([[this.byDefault.id, this.byDefault]]);
    for (const encoder of live) {
      const extractor = await this.of(encoder).catch((error: unknown) => this.reportOnce(error));
      if (extractor !== null) byId.set(extractor.id, extractor);
    }
    this.closeAllBut(live.map((encoder) => encoder.imageExtractor));
    return [...byId.values()];
  }

  /**
   * The extractor of this name, in the form of the configuration, or the id of one that is configured or that an encoder was
   * trained on. Null names the configured one.
   *
   * @throws CommonspaceError BAD_INPUT if there is none, BAD_MODEL for a model that cannot be used.
   */
  async named(wanted: string | null, field: FieldPath): Promise<OpenImageExtractor> {
    if (wanted === null || wanted === this.byDefault.id) return this.byDefault;
    const name = nameOf(wanted);
    if (name !== null) return await this.features.openImage(name);
    const encoders = await this.catalog.encoders.list();
    const trained = encoders.find((row) => row.imageExtractor === wanted);
    if (trained !== undefined) return await this.of(trained);
    const configured = await this.amongAllowed(wanted);
    if (configured !== null) return configured;
    throw new CommonspaceError(
      'BAD_INPUT',
      `There is no image extractor ${JSON.stringify(wanted)}: give ${builtInImageExtractors().join(', ')} or dir:PATH.`,
      field,
    );
  }

  /**
   * The same for callers that must not choose which files are read: only built-in and configured extractors.
   *
   * @throws CommonspaceError BAD_INPUT
   */
  async namedByCaller(wanted: string | null, field: FieldPath): Promise<OpenImageExtractor> {
    if (wanted === null || wanted === this.byDefault.id) return this.byDefault;
    const name = nameOf(wanted);
    const names = [this.byDefault.name, ...builtInImageExtractors(), ...this.allowed.map(nameOf)];
    if (name !== null && names.includes(name)) return await this.openConfigured(name, field);
    // An id names no file, so it may be compared with the ids of the configured models.
    const configured = name === null ? await this.amongAllowed(wanted) : null;
    if (configured !== null) return configured;
    throw new CommonspaceError(
      'BAD_INPUT',
      `The server's configuration allows no image extractor of this name; COMMONSPACE_IMAGE_MODELS lists what may be asked for.`,
      field,
    );
  }

  /** Keeps an extractor open during the work, even if no encoder needs it. */
  async whileOpen<T>({ id }: OpenImageExtractor, work: () => Promise<T>): Promise<T> {
    this.kept.set(id, (this.kept.get(id) ?? 0) + 1);
    try {
      return await work();
    } finally {
      const left = (this.kept.get(id) ?? 1) - 1;
      if (left > 0) this.kept.set(id, left);
      else this.kept.delete(id);
    }
  }

  private async openFor(encoder: ReadsImages): Promise<OpenImageExtractor> {
    const { imageExtractor: id } = encoder;
    let cause: CommonspaceError | undefined;
    const found = await this.openById(id, encoder).catch((error: unknown) => {
      if (!(error instanceof CommonspaceError)) throw error;
      cause = error;
      return null;
    });
    // The folder may have moved to a path that the configuration names.
    const opened = found ?? (await this.amongAllowed(id));
    if (opened === null) throw extractorMissing(encoder, cause);
    return opened;
  }

  private openConfigured(name: string, field: FieldPath): Promise<OpenImageExtractor> {
    return this.features.openImage(name).catch((error: unknown) => {
      if (!(error instanceof CommonspaceError)) throw error;
      // The cause's message names a file.
      throw new CommonspaceError('BAD_MODEL', 'The configured model of this name cannot be used.', field, {
        cause: error,
      });
    });
  }

  private async openById(id: string, { request }: ReadsImages): Promise<OpenImageExtractor | null> {
    if (builtInImageExtractors().includes(id)) return await this.features.openImage(id);
    // The request has the name that the training used, also when it was the configured one.
    if (request?.imageExtractor == null) return null;
    const opened = await this.features.openImage(request.imageExtractor);
    return opened.id === id ? opened : null;
  }

  /** The configured extractor of this id. Those that cannot be opened are skipped. */
  private async amongAllowed(id: string): Promise<OpenImageExtractor | null> {
    for (const name of this.allowed) {
      const opened = await this.features.openImage(name).catch(() => null);
      if (opened?.id === id) return opened;
    }
    return null;
  }

  private reportOnce(error: unknown): null {
    if (error instanceof Error && this.reported.has(error)) return null;
    if (error instanceof Error) this.reported.add(error);
    this.reportUnexpected(error);
    return null;
  }

  private closeAllBut(needed: readonly string[]): void {
    const ids = new Set([...needed, ...this.kept.keys()]);
    this.features.closeImagesBut(ids);
    for (const id of this.opening.keys()) if (!ids.has(id)) this.opening.delete(id);
  }
}

/** The name in its stored form; null if it is none, so that it may be an id. */
function nameOf(wanted: string): string | null {
  try {
    return readImageExtractorName(wanted).name;
  } catch {
    return null;
  }
}

/** The cause, which is logged, has the names of files; callers do not see them. */
function extractorMissing({ id, imageExtractor }: ReadsImages, cause?: Error): CommonspaceError {
  return new CommonspaceError(
    'EXTRACTOR_MISSING',
    `Encoder ${id} reads pictures by the features of ${imageExtractor}, which cannot be opened; \`commonspace doctor\` ` +
      'says why. Searches by text and by stored items still work.',
    [],
    { cause },
  );
}
