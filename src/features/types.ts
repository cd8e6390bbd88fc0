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

/** The extractors in use, one for each modality, running in a pool of worker threads. */
export interface FeatureExtractors {
  readonly text: ExtractorInfo;
  readonly image: ImageExtractorInfo;
  /** One feature per text, in order; unit length. Deterministic, and independent of how texts are batched. */
  extractTexts(texts: readonly string[], signal?: AbortSignal): Promise<Float32Array[]>;
  /** One feature per image, in order; unit length. Throws BAD_INPUT if a size is not `image.input`'s. */
  extractImages(images: readonly Pixels[], signal?: AbortSignal): Promise<Float32Array[]>;
  /** Loads and runs everything once, so that the first real call is as fast as the next. */
  warmUp(): Promise<void>;
  backend(): Promise<BackendReport>;
  close(): Promise<void>;
}
