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
  /**
   * The space that its features share with those of another extractor, as of the two towers of one CLIP model; null or absent
   * if they are comparable only among themselves.
   */
  readonly space?: string | null;
}

export interface ImageExtractorInfo extends ExtractorInfo {
  readonly modality: 'IMAGE';
  /** Required size of the pixels. */
  readonly input: {
    readonly width: number;
    readonly height: number;
    readonly fit: 'fill' | 'cover' | 'contain';
    /** How to resample; the decoder's choice if absent. */
    readonly kernel?: 'nearest' | 'linear' | 'cubic' | 'lanczos3';
  };
}

export interface TextExtractorInfo extends ExtractorInfo {
  readonly modality: 'TEXT';
}

/** The tensor backend in use, and why; `commonspace doctor` prints it. */
export interface BackendReport {
  readonly backend: 'tfjs-node-gpu' | 'tfjs-node' | 'wasm';
  readonly version: string;
  /** One sentence: why this backend is used, e.g. why an installed tfjs-node is not. */
  readonly reason: string;
}

export interface ExtractOptions {
  readonly signal?: AbortSignal | undefined;
  /** Background work: uses one thread at a time and leaves the others to requests. */
  readonly background?: boolean | undefined;
}

/** An extractor that is open. Each thread loads its model at the first task. */
interface Open {
  /** Name that opens it again, independent of the working directory: `hsv-hog@1`, or `dir:` or `onnx:` with absolute paths. */
  readonly name: string;
}

export interface OpenImageExtractor extends ImageExtractorInfo, Open {
  /**
   * One feature per image, in order; unit length.
   *
   * @throws CommonspaceError BAD_INPUT if an image does not have the size `input`, BAD_MODEL if the model has changed since it was opened.
   */
  extract(images: readonly Pixels[], options?: ExtractOptions): Promise<Float32Array[]>;
}

export interface OpenTextExtractor extends TextExtractorInfo, Open {
  /**
   * One feature per text, in order; unit length. Deterministic, and independent of the batching.
   *
   * @throws CommonspaceError BAD_MODEL if the model has changed since it was opened.
   */
  extract(texts: readonly string[], options?: ExtractOptions): Promise<Float32Array[]>;
}

/** The extractors in a pool of worker threads: any number for texts and for images. */
/** Tasks that wait, and threads that run. */
export interface QueueLength {
  readonly waiting: number;
  readonly threads: number;
}

export interface FeatureExtractors {
  /** The configured extractors, which are always open. */
  readonly text: OpenTextExtractor;
  readonly image: OpenImageExtractor;
  /**
   * Opens an image extractor: `default`, `hsv-hog`, the id of one of these, `dir:PATH[#DESCRIPTION]`, `onnx:PATH` or `hf:ORG/NAME`.
   *
   * @throws CommonspaceError BAD_CONFIG for an unknown name, BAD_MODEL for a model on disk that cannot be used, PACKAGE_MISSING.
   */
  openImage(name: string): Promise<OpenImageExtractor>;
  /** Opens a text extractor: `default`, its id, `onnx:PATH` or `hf:ORG/NAME`. @throws as `openImage`. */
  openText(name: string): Promise<OpenTextExtractor>;
  /**
   * The modalities that a model can extract, without loading it. A model of a hub is downloaded first.
   *
   * @throws as `openImage`
   */
  modalitiesOf(name: string): Promise<readonly Modality[]>;
  /** Closes all extractors of a modality except these and the configured one. Threads dispose their models at the next task. */
  closeBut(modality: Modality, ids: ReadonlySet<string>): void;
  /** Loads and runs these extractors once, so that the first request is not slower than others. */
  warmUp(image?: OpenImageExtractor, text?: OpenTextExtractor): Promise<void>;
  backend(): Promise<BackendReport>;
  /** Of the thread for queries and of those for batches. */
  queues(): { readonly queries: QueueLength; readonly batches: QueueLength };
  close(): Promise<void>;
}
