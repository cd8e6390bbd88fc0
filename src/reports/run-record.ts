/**
 * What a run leaves behind: everything its report, its table and its model card are written from. Plain JSON.
 *
 * A *run* is one training and evaluation: of a bundle of features, or of a catalogue. A *set* is what a figure was measured
 * on: queries and gallery that belong together, e.g. the test pairs of one split, or the held-out pairs of unseen classes.
 */

import type { Estimates, Method } from '../domain/evaluation-record.js';
import type { EpochRecord } from '../encoder/types.js';
import type { SpaceDetails } from '../evaluation/space/space-details.js';

export interface RunRecord {
  /** Of this layout: 1. */
  readonly format: 1;
  /** Names the run's folder: letters, digits, `.`, `_` and `-`. */
  readonly id: string;
  readonly kind: 'bundle' | 'catalogue';
  /** A heading for people, e.g. the bundle's name. */
  readonly title: string;
  /** E.g. `non-extendable`, `extendable`, `held-out pairs`. */
  readonly protocol: string;
  readonly preset: string;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly seconds: number | null;
  /** What was asked for, and every training option as it was resolved. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly manifest: RunManifest;
  /** What it was learnt from and measured on, for the model card. */
  readonly data: RunData;
  readonly table: readonly TableRow[];
  readonly trainings: readonly TrainingCurves[];
  readonly spaces: readonly SpaceDetails[];
  readonly notes: readonly string[];
}

/** What makes a run possible to repeat. */
export interface RunManifest {
  readonly code: { readonly name: string; readonly version: string; readonly commit: string | null };
  /** sha256 (hex) over everything that was learnt from and measured on; by file where it came from files. */
  readonly data: {
    readonly sha256: string;
    readonly files: readonly { readonly name: string; readonly bytes: number; readonly sha256: string }[];
  };
  readonly seeds: readonly number[];
  /** Version by package name, of those that take part in the arithmetic. */
  readonly packages: Readonly<Record<string, string>>;
  readonly node: string;
  /** E.g. `linux x64`. */
  readonly platform: string;
  /** The tensor backend, e.g. `wasm`. */
  readonly backend: string;
  /** The command that repeats the run, null where there is none. */
  readonly command: string | null;
}

interface RunData {
  readonly trainingPairs: number;
  readonly trainingClasses: number;
  /** One sentence: where the features come from. */
  readonly description: string;
}

/** One line of the table: a method's figures on one set. */
export interface TableRow {
  readonly method: Method;
  /** E.g. `test`, `split 1`, `seen`, `unseen`, `mean`; the same word as `SpaceDetails.set`. */
  readonly set: string;
  /** Whether the classes of the set were trained on; `mixed` for a mean over both. */
  readonly classes: 'seen' | 'unseen' | 'mixed';
  /** The set that the summary shows: the mean over the splits, or what there is. */
  readonly headline: boolean;
  /** Image → text, text → image, and the mean of both. */
  readonly i2t: Estimates;
  readonly t2i: Estimates;
  readonly avg: Estimates;
  /** Of training and choosing; null where nothing was trained, or where it is not known. */
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
  /** The epoch that was kept, of the first network; null where it was the last. */
  readonly bestEpoch: number | null;
  readonly seconds: number;
  readonly notes: readonly string[];
}
