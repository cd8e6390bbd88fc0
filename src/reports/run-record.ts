/**
 * The record of a run, from which its report, its table and its model card are written. Plain JSON.
 *
 * A *run* is one training and evaluation: of a bundle of features, or of a catalogue. A *set* is what a metric is measured
 * on: the queries and their gallery, for example the test pairs of one split, or the held-out pairs of unseen classes.
 */

import type { Composition } from '../domain/composition.js';
import type { ClassificationFigures, Estimates, Method } from '../domain/evaluation-record.js';
import type { EpochRecord } from '../encoder/types.js';
import type { SpaceDetails } from '../evaluation/space/space-details.js';

export interface RunRecord {
  /** The version of this layout: 1. */
  readonly format: 1;
  /** The name of the run's folder: letters, digits, `.`, `_` and `-`. */
  readonly id: string;
  readonly kind: 'bundle' | 'catalogue';
  /** The heading of the report, for example the name of the bundle. */
  readonly title: string;
  /** For example `non-extendable`, `extendable`, `held-out pairs`. */
  readonly protocol: string;
  readonly preset: string;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly seconds: number | null;
  /** The request, and all training options as they were resolved. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly manifest: RunManifest;
  /** The training data, for the model card. */
  readonly data: RunData;
  /** What an embedding of the encoder consists of, for each training; absent in runs of older versions. */
  readonly compositions?: readonly Composition[];
  readonly table: readonly TableRow[];
  readonly trainings: readonly TrainingCurves[];
  readonly spaces: readonly SpaceDetails[];
  /** Classification of held-out items. Null if no class has a name; absent in runs of features and of older versions. */
  readonly classification?: ClassificationFigures | null;
  readonly notes: readonly string[];
}

/** What is needed to repeat a run. */
export interface RunManifest {
  readonly code: { readonly name: string; readonly version: string; readonly commit: string | null };
  /** SHA-256 (hexadecimal) of all training and evaluation data, and of each file if the data are files. */
  readonly data: {
    readonly sha256: string;
    readonly files: readonly { readonly name: string; readonly bytes: number; readonly sha256: string }[];
  };
  readonly seeds: readonly number[];
  /** Versions of the packages whose arithmetic the results depend on, by name. */
  readonly packages: Readonly<Record<string, string>>;
  readonly node: string;
  /** For example `linux x64`. */
  readonly platform: string;
  /** The tensor backend, for example `wasm`. */
  readonly backend: string;
  /** The command that repeats the run; null if there is none. */
  readonly command: string | null;
}

interface RunData {
  readonly trainingPairs: number;
  readonly trainingClasses: number;
  /** The origin of the features, in one sentence. */
  readonly description: string;
}

/** One row of the table: the metrics of a method on one set. */
export interface TableRow {
  readonly method: Method;
  /** E.g. `test`, `split 1`, `seen`, `unseen`, `mean`; equal to `SpaceDetails.set`. */
  readonly set: string;
  /** Whether the classes of the set are training classes; `mixed` for a mean over both. */
  readonly classes: 'seen' | 'unseen' | 'mixed';
  /** Whether the summary shows the set: the mean over the splits, or the only sets. */
  readonly headline: boolean;
  /** Image → text, text → image, and the mean of both. */
  readonly i2t: Estimates;
  readonly t2i: Estimates;
  readonly avg: Estimates;
  /** Duration of training and selection; null if nothing was trained or it is unknown. */
  readonly seconds: number | null;
}

/** The curves of one training. */
export interface TrainingCurves {
  /** E.g. `split 1, seed 0`. */
  readonly label: string;
  readonly preset: string;
  readonly seed: number;
  /** Every epoch of every network, in order. */
  readonly epochs: readonly EpochRecord[];
  /** The selected epoch of the first network; null if it is the last. */
  readonly bestEpoch: number | null;
  readonly seconds: number;
  readonly notes: readonly string[];
}
