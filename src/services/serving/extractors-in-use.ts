import type { Catalog } from '../../catalog/catalog.js';
import type { EncoderRow } from '../../catalog/types.js';
import { CommonspaceError, type FieldPath, type ReportUnexpected } from '../../domain/errors.js';
import type { Modality } from '../../domain/modality.js';
import { sharedSpace } from '../../features/shared-space.js';
import type { FeatureExtractors, OpenImageExtractor, OpenTextExtractor } from '../../features/types.js';

/** A failed opening is retried after this time, because the folder may reappear. */
const RETRY_MS = 10_000;

/** The fields of an encoder that identify its extractors. */
export type ReadsFeatures = Pick<EncoderRow, 'id' | 'imageExtractor' | 'textExtractor' | 'request'>;

/** What differs between the extractors of images and those of texts. */
export interface ExtractorKind<Open> {
  readonly modality: Modality;
  readonly configured: Open;
  open(name: string): Promise<Open>;
  readonly builtIn: readonly string[];
  /** The name in its stored form. @throws CommonspaceError BAD_CONFIG if it is none */
  readName(wanted: string): string;
  /** The id that an encoder was trained on, and the name that its request has for it. */
  idIn(encoder: ReadsFeatures): string;
  nameIn(encoder: ReadsFeatures): string | null | undefined;
  readonly what: string;
  readonly setting: string;
  readonly names: string;
  readonly missing: (id: string) => string;
}

export type ImageExtractors = ExtractorsInUse<OpenImageExtractor>;
export type TextExtractors = ExtractorsInUse<OpenTextExtractor>;

/** The open extractors of one encoder. */
export interface OpenPair {
  readonly image: OpenImageExtractor;
  readonly text: OpenTextExtractor;
}

/** The extractors of both modalities. */
export interface Extractors {
  readonly images: ImageExtractors;
  readonly texts: TextExtractors;
}

/** Opens both extractors of an encoder. @throws CommonspaceError EXTRACTOR_MISSING, BAD_MODEL for towers that do not fit */
export async function openPair({ images, texts }: Extractors, encoder: ReadsFeatures): Promise<OpenPair> {
  const pair = { image: await images.of(encoder), text: await texts.of(encoder) };
  sharedSpace(pair.image, pair.text);
  return pair;
}

/**
 * The extractors of one modality that encoders were trained on. The catalogue names them. Each is opened on first use and
 * closed when no live encoder needs it.
 */
export class ExtractorsInUse<Open extends { readonly id: string; readonly name: string }> {
  private readonly opening = new Map<string, Promise<Open>>();
  private readonly reported = new WeakSet<Error>();
  /** How many running operations need each one open. */
  private readonly kept = new Map<string, number>();

  constructor(
    private readonly catalog: Catalog,
    private readonly features: FeatureExtractors,
    private readonly kind: ExtractorKind<Open>,
    private readonly allowed: readonly string[],
    private readonly reportUnexpected: ReportUnexpected,
  ) {}

  get modality(): Modality {
    return this.kind.modality;
  }

  /** The id of the extractor that an encoder was trained on. */
  idIn(encoder: ReadsFeatures): string {
    return this.kind.idIn(encoder);
  }

  /** The configured extractor: the default of new trainings, and that of searches before any training. */
  get byDefault(): Open {
    return this.kind.configured;
  }

  /**
   * The extractor that an encoder was trained on; the configured one without an encoder.
   *
   * @throws CommonspaceError EXTRACTOR_MISSING if it cannot be opened, or its files have changed.
   */
  of(encoder: ReadsFeatures | null): Promise<Open> {
    const id = encoder === null ? this.byDefault.id : this.kind.idIn(encoder);
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
   * The extractors whose features new items need: the configured one first, then those of the live encoders. One that
   * cannot be opened is left out and reported. Extractors that no live encoder needs are closed.
   */
  async needed(live: readonly ReadsFeatures[]): Promise<Open[]> {
    const byId = new Map([[this.byDefault.id, this.byDefault]]);
    for (const encoder of live) {
      const extractor = await this.of(encoder).catch((error: unknown) => this.reportOnce(error));
      if (extractor !== null) byId.set(extractor.id, extractor);
    }
    this.closeAllBut(live.map(this.kind.idIn));
    return [...byId.values()];
  }

  /**
   * The extractor of this name, in the form of the configuration, or the id of one that is configured or that an encoder was
   * trained on. Null names the configured one.
   *
   * @throws CommonspaceError BAD_INPUT if there is none, BAD_MODEL for a model that cannot be used.
   */
  async named(wanted: string | null, field: FieldPath): Promise<Open> {
    if (wanted === null || wanted === this.byDefault.id) return this.byDefault;
    const name = this.nameOf(wanted);
    if (name !== null) return await this.kind.open(name);
    const encoders = await this.catalog.encoders.list();
    const trained = encoders.find((row) => this.kind.idIn(row) === wanted);
    if (trained !== undefined) return await this.of(trained);
    const configured = await this.amongAllowed(wanted);
    if (configured !== null) return configured;
    throw new CommonspaceError(
      'BAD_INPUT',
      `There is no ${this.kind.what} ${JSON.stringify(wanted)}: give ${this.kind.builtIn.join(', ')} or ${this.kind.names}.`,
      field,
    );
  }

  /**
   * The same for callers that must not choose which files are read: only built-in and configured extractors.
   *
   * @throws CommonspaceError BAD_INPUT
   */
  async namedByCaller(wanted: string | null, field: FieldPath): Promise<Open> {
    if (wanted === null || wanted === this.byDefault.id) return this.byDefault;
    const name = this.nameOf(wanted);
    const names = [this.byDefault.name, ...this.kind.builtIn, ...this.allowed.map((one) => this.nameOf(one))];
    if (name !== null && names.includes(name)) return await this.openConfigured(name, field);
    // An id names no file, so it may be compared with the ids of the configured models.
    const configured = name === null ? await this.amongAllowed(wanted) : null;
    if (configured !== null) return configured;
    throw new CommonspaceError(
      'BAD_INPUT',
      `The server's configuration allows no ${this.kind.what} of this name; ${this.kind.setting} lists what may be asked for.`,
      field,
    );
  }

  /** Keeps an extractor open during the work, even if no encoder needs it. */
  async whileOpen<T>({ id }: Open, work: () => Promise<T>): Promise<T> {
    this.kept.set(id, (this.kept.get(id) ?? 0) + 1);
    try {
      return await work();
    } finally {
      const left = (this.kept.get(id) ?? 1) - 1;
      if (left > 0) this.kept.set(id, left);
      else this.kept.delete(id);
    }
  }

  private async openFor(encoder: ReadsFeatures): Promise<Open> {
    const id = this.kind.idIn(encoder);
    let cause: CommonspaceError | undefined;
    const found = await this.openById(id, encoder).catch((error: unknown) => {
      if (!(error instanceof CommonspaceError)) throw error;
      cause = error;
      return null;
    });
    // The folder may have moved to a path that the configuration names.
    const opened = found ?? (await this.amongAllowed(id));
    if (opened === null) throw this.missing(encoder, cause);
    return opened;
  }

  private openConfigured(name: string, field: FieldPath): Promise<Open> {
    return this.kind.open(name).catch((error: unknown) => {
      if (!(error instanceof CommonspaceError)) throw error;
      // The cause's message names a file.
      throw new CommonspaceError('BAD_MODEL', 'The configured model of this name cannot be used.', field, {
        cause: error,
      });
    });
  }

  private async openById(id: string, encoder: ReadsFeatures): Promise<Open | null> {
    if (this.kind.builtIn.includes(id)) return await this.kind.open(id);
    // The request has the name that the training used, also when it was the configured one.
    const name = this.kind.nameIn(encoder);
    if (name == null) return null;
    const opened = await this.kind.open(name);
    return opened.id === id ? opened : null;
  }

  /** The configured extractor of this id. Those that cannot be opened are skipped. */
  private async amongAllowed(id: string): Promise<Open | null> {
    for (const name of this.allowed) {
      const opened = await this.kind.open(name).catch(() => null);
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
    this.features.closeBut(this.kind.modality, ids);
    for (const id of this.opening.keys()) if (!ids.has(id)) this.opening.delete(id);
  }

  /** The name in its stored form; null if it is none, so that it may be an id. */
  private nameOf(wanted: string): string | null {
    try {
      return this.kind.readName(wanted);
    } catch {
      return null;
    }
  }

  /** The cause, which is logged, has the names of files; callers do not see them. */
  private missing(encoder: ReadsFeatures, cause?: Error): CommonspaceError {
    const what = this.kind.missing(this.kind.idIn(encoder));
    return new CommonspaceError('EXTRACTOR_MISSING', `Encoder ${encoder.id} ${what}`, [], { cause });
  }
}
