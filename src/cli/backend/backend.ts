import type { Composition } from '../../domain/composition.js';
import type { PromotionCheck } from '../../domain/encoder-record.js';
import type { EncoderFailure, EncoderProgress, EncoderState } from '../../domain/encoder-status.js';
import type { EvaluationRecord } from '../../domain/evaluation-record.js';
import type { Evidence } from '../../domain/evidence.js';
import type { Modality } from '../../domain/modality.js';
import type { ImportReport } from '../../services/archive/archive-import.js';
import type { AdoptRequest } from '../../services/encoders/adoption.js';
import type { TrainRequest } from '../../services/encoders/train-request.js';
import type { TrainingReport } from '../../services/encoders/training-service.js';
import type { BatchReport, BulkOptions } from '../../services/ingest/bulk/bulk-ingest.js';
import type { RowSource } from '../../services/ingest/bulk/row-source.js';
import type { StageProgress } from '../training-progress.js';
import type { JobBackend } from './job-backend.js';

/**
 * What commands do with a catalogue: by the services of their own process, or by the API of a server. Both give the same results and
 * throw the same `CommonspaceError`s.
 */
export interface Backend {
  readonly encoders: EncoderBackend;
  readonly training: TrainingBackend;
  readonly jobs: JobBackend;
  readonly classChanges: ClassChangeBackend;
  /** Stores the rows of a source; see `BulkIngest`. */
  ingest(source: RowSource, options: BulkOptions): AsyncGenerator<BatchReport>;
  search(
    request: CliSearch,
    options: { readonly explain: boolean; readonly signal: AbortSignal },
  ): Promise<Found>;
  /** @param search part of the name; null: all */
  classes(search: string | null, first: number): Promise<ClassList>;
  /** The bytes of an archive of the catalogue, which fail with a `CommonspaceError`. `onProgress` is called where the process writes it itself. */
  exportCatalogue(options: {
    readonly signal: AbortSignal;
    readonly onProgress: (done: number, all: number) => void;
  }): Promise<AsyncIterable<Uint8Array>>;
  /**
   * Stores an archive.
   *
   * @throws CommonspaceError as ArchiveImport.run
   */
  importCatalogue(file: string, options: ImportHooks & { readonly merge: boolean }): Promise<ImportReport>;
  /** The bytes of a backup. @throws CommonspaceError NOT_EMBEDDED */
  backup(options: { readonly signal: AbortSignal }): Promise<AsyncIterable<Uint8Array>>;
}

export interface ImportHooks {
  readonly signal: AbortSignal;
  /** @param of what is counted */
  readonly onProgress: (done: number, all: number, of: 'MB uploaded' | 'members') => void;
}

export interface EncoderBackend {
  /** The newest first. */
  page(state: EncoderState | null, first: number): Promise<EncoderList>;
  /** @throws CommonspaceError ENCODER_NOT_FOUND */
  require(id: string): Promise<EncoderView>;
  /** The id of the encoder that was active before. @throws CommonspaceError ENCODER_NOT_FOUND */
  previous(): Promise<string>;
  /** The id of the active one. */
  active(): Promise<string | null>;
  /** @returns the id of the encoder */
  activate(id: string, options: { readonly force: boolean; readonly signal: AbortSignal }): Promise<string>;
  remove(id: string): Promise<void>;
  cancel(id: string): Promise<void>;
}

/** Changes of classes by name. */
export interface ClassChangeBackend {
  /** Absent values stay, a description of null is removed. @throws CommonspaceError UNKNOWN_CLASS, CLASS_EXISTS, CLASS_IN_USE */
  rename(
    name: string,
    newName: string | undefined,
    description: string | null | undefined,
  ): Promise<NamedClass>;
  /** @throws CommonspaceError UNKNOWN_CLASS, CLASS_IN_USE */
  merge(from: readonly string[], into: string): Promise<NamedClass>;
  /** The id of the deleted class. @throws CommonspaceError UNKNOWN_CLASS, CLASS_IN_USE */
  delete(name: string): Promise<string>;
}

interface NamedClass {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
}

export interface TrainingHooks {
  /** Called with the encoder's id when the run has started, or is queued. */
  readonly onStart?: (encoderId: string) => void;
  readonly onProgress?: (progress: StageProgress) => void;
  /** Cancels the run. */
  readonly signal?: AbortSignal;
}

/** Trainings, each to its end. */
export interface TrainingBackend {
  train(request: TrainRequest, hooks: TrainingHooks): Promise<TrainingReport>;
  resume(id: string, hooks: TrainingHooks): Promise<TrainingReport>;
  adopt(request: AdoptRequest, hooks: TrainingHooks): Promise<TrainingReport>;
  /** Whether the run can be resumed. */
  isResumable(id: string): Promise<boolean>;
}

/** A search, with what the command line offers. */
export interface CliSearch {
  readonly query: CliQuery;
  readonly target: Modality;
  readonly by: readonly Evidence[];
  /** Only items of one of these; null: all. */
  readonly classNames: readonly string[] | null;
  readonly first: number;
  /** `auto`: the calibrated threshold. */
  readonly minScore: number | 'auto' | null;
}

export type CliQuery =
  | { readonly text: string }
  | { readonly className: string }
  /** A picture. */
  | { readonly bytes: Buffer };

export interface FoundItem {
  readonly rank: number;
  readonly score: number;
  readonly id: string;
  readonly modality: Modality;
  readonly externalId: string | null;
  readonly title: string | null;
  readonly text: string | null;
  /** The name it was ingested from. */
  readonly file: string | null;
  readonly classes: readonly string[];
  /** Of a picture: path of a thumbnail on disk, from the current folder, or its address on a server. */
  readonly thumbnail: string | null;
  /** Where it was asked for; null where no encoder can explain the item. */
  readonly explanation?: ShownExplanation | null;
}

export interface Found {
  readonly mode: string;
  readonly encoder: string | null;
  readonly results: readonly FoundItem[];
}

interface Near {
  readonly query: number;
  readonly item: number;
}

/** An explanation as it is shown: what is named, with its similarity to the query and to the item. */
export interface ShownExplanation {
  readonly similarity: number;
  readonly classes: readonly (Near & { readonly name: string })[];
  readonly pairs: readonly (Near & { readonly image: string; readonly text: string })[];
}

export interface ClassList {
  /** Of the classes on all pages. */
  readonly totalCount: number;
  readonly classes: readonly (NamedClass & {
    readonly images: number;
    readonly texts: number;
    readonly seen: boolean;
  })[];
}

interface EncoderList {
  readonly totalCount: number;
  readonly encoders: readonly EncoderView[];
}

/** A version of the encoder as commands show it. */
export interface EncoderView {
  readonly id: string;
  readonly state: EncoderState;
  readonly progress: EncoderProgress | null;
  readonly failure: EncoderFailure | null;
  readonly preset: string | null;
  readonly seed: number | null;
  readonly dimension: number | null;
  readonly imageExtractor: string;
  readonly textExtractor: string;
  readonly pairs: number | null;
  readonly classes: number | null;
  readonly seconds: number | null;
  readonly evaluation: EvaluationRecord | null;
  readonly promotion: PromotionCheck | null;
  readonly notes: readonly string[];
  readonly createdAt: Date;
  readonly activatedAt: Date | null;
  readonly retiredAt: Date | null;
  /** What an embedding consists of; empty before it is trained. */
  readonly parts: () => Promise<Composition>;
}
