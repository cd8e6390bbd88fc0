import type { Modality } from '../domain/modality.js';

/** Decoded pixels: 8-bit sRGB, interleaved, row by row, `width * height * 3` bytes. */
export interface Pixels {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** A named, versioned feature extractor. Features of two extractors are never compared. */
export interface ExtractorInfo {
  /** `name@version`; changes whenever the features it gives change. */
  readonly id: string;
  readonly modality: Modality;
  /** Length of its features. */
  readonly dimension: number;
  readonly description: string;
}

export interface ImageExtractorInfo extends ExtractorInfo {
  readonly modality: 'IMAGE';
  /** The size its pixels must come in. */
  readonly input: {
    readonly width: number;
    readonly height: number;
    readonly fit: 'fill' | 'cover' | 'contain';
  };
}

/** What runs the networks, and why: `commonspace doctor` prints it. */
export interface BackendReport {
  readonly backend: 'tfjs-node' | 'wasm';
  readonly version: string;
  /** One sentence: why this one, e.g. why an installed tfjs-node was passed over. */
  readonly reason: string;
}

export interface ExtractOptions {
  readonly signal?: AbortSignal | undefined;
  /** Takes one thread at a time and leaves the others to callers who wait: for work that nobody waits for. */
  readonly background?: boolean | undefined;
}

/** An image extractor that is open: each thread loads its model when it first needs it. */
export interface OpenImageExtractor extends ImageExtractorInfo {
  /** What opens it again, wherever this process was started: `hsv-hog@1`, or `dir:` with absolute paths. */
  readonly name: string;
  /**
   * One feature per image, in order; unit length.
   *
   * @throws CommonspaceError BAD_INPUT if a size is not `input`'s, BAD_MODEL if the model was changed since it was opened.
   */
  extract(images: readonly Pixels[], options?: ExtractOptions): Promise<Float32Array[]>;
}

/** The extractors, running in a pool of worker threads: one of texts, and any number of images. */
export interface FeatureExtractors {
  readonly text: ExtractorInfo;
  /** The configured one, which is always open. */
  readonly image: OpenImageExtractor;
  /** One feature per text, in order; unit length. Deterministic, and independent of how texts are batched. */
  extractTexts(texts: readonly string[], options?: ExtractOptions): Promise<Float32Array[]>;
  /**
   * Opens an image extractor: `default`, `hsv-hog`, the id of one of these, or `dir:PATH[#DESCRIPTION]`.
   *
   * @throws CommonspaceError BAD_CONFIG for an unknown name, BAD_MODEL for a model on disk that cannot be used.
   */
  openImage(name: string): Promise<OpenImageExtractor>;
  /** Closes all image extractors but these and the configured one: threads drop their models with their next task. */
  closeImagesBut(ids: ReadonlySet<string>): void;
  /** Loads and runs the text extractor and this image extractor once, so that the first real call is as fast as the next. */
  warmUp(image?: OpenImageExtractor): Promise<void>;
  backend(): Promise<BackendReport>;
  close(): Promise<void>;
}
