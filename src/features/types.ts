import type { Modality } from '../domain/modality.js';

/** Decoded pixels: 8-bit sRGB, interleaved, row by row, `width * height * 3` bytes. */
export interface Pixels {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** A named, versioned feature extractor. Only features of the same extractor are comparable. */
export interface ExtractorInfo {
  /** `name@version`. It changes whenever the extracted features change. */
  readonly id: string;
  readonly modality: Modality;
  /** Length of its features. */
  readonly dimension: number;
  readonly description: string;
}

export interface ImageExtractorInfo extends ExtractorInfo {
  readonly modality: 'IMAGE';
  /** Required size of the pixels. */
  readonly input: {
    readonly width: number;
    readonly height: number;
    readonly fit: 'fill' | 'cover' | 'contain';
  };
}

/** The tensor backend in use, and why; `commonspace doctor` prints it. */
export interface BackendReport {
  readonly backend: 'tfjs-node' | 'wasm';
  readonly version: string;
  /** One sentence: why this backend is used, e.g. why an installed tfjs-node is not. */
  readonly reason: string;
}

export interface ExtractOptions {
  readonly signal?: AbortSignal | undefined;
  /** Background work: uses one thread at a time and leaves the others to requests. */
  readonly background?: boolean | undefined;
}

/** An open image extractor. Each thread loads its model at the first task. */
export interface OpenImageExtractor extends ImageExtractorInfo {
  /** Name that opens it again, independent of the working directory: `hsv-hog@1`, or `dir:` with absolute paths. */
  readonly name: string;
  /**
   * One feature per image, in order; unit length.
   *
   * @throws CommonspaceError BAD_INPUT if an image does not have the size `input`, BAD_MODEL if the model has changed since it was opened.
   */
  extract(images: readonly Pixels[], options?: ExtractOptions): Promise<Float32Array[]>;
}

/** The extractors in a pool of worker threads: one for texts and any number for images. */
export interface FeatureExtractors {
  readonly text: ExtractorInfo;
  /** The configured extractor, which is always open. */
  readonly image: OpenImageExtractor;
  /** One feature per text, in order; unit length. Deterministic, and independent of the batching. */
  extractTexts(texts: readonly string[], options?: ExtractOptions): Promise<Float32Array[]>;
  /**
   * Opens an image extractor: `default`, `hsv-hog`, the id of one of these, or `dir:PATH[#DESCRIPTION]`.
   *
   * @throws CommonspaceError BAD_CONFIG for an unknown name, BAD_MODEL for a model on disk that cannot be used.
   */
  openImage(name: string): Promise<OpenImageExtractor>;
  /** Closes all image extractors except these and the configured one. Threads dispose their models at the next task. */
  closeImagesBut(ids: ReadonlySet<string>): void;
  /** Loads and runs the text extractor and this image extractor once, so that the first request is not slower than others. */
  warmUp(image?: OpenImageExtractor): Promise<void>;
  backend(): Promise<BackendReport>;
  close(): Promise<void>;
}
