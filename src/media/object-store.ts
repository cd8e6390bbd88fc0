import type { Readable } from 'node:stream';
import type { HeldFile } from './files.js';

/** An object whose bytes have not been read yet. */
export interface OpenedObject {
  /** Size in bytes. */
  readonly bytes: number;
  /** Read it to its end, or destroy it. */
  readonly stream: Readable;
}

export interface ListedObject {
  readonly key: string;
  /** Last part of the key. */
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly changedAt: number;
}

/**
 * Where pictures and thumbnails are kept: the data folder, or object storage. Keys are paths with slashes, e.g. `ab/cd/NAME`. An object
 * is complete or absent, and a write replaces it.
 *
 * Methods throw CommonspaceError: DATA_FOLDER_NOT_WRITABLE, MEDIA_UNREACHABLE; and CANCELLED where they take a signal.
 */
export interface ObjectStore {
  /** Where it is, for display. */
  readonly place: string;
  /** Size in bytes; null if there is no such object. */
  size(key: string, signal?: AbortSignal): Promise<number | null>;
  /** Null if there is no such object. */
  open(key: string): Promise<OpenedObject | null>;
  /** All bytes in memory; null if there is no such object. */
  read(key: string, signal?: AbortSignal): Promise<Buffer | null>;
  /** @param durable whether it must survive a power failure after this resolves */
  write(key: string, bytes: Uint8Array, durable: boolean): Promise<void>;
  /** Objects that do not exist are ignored. */
  remove(keys: readonly string[]): Promise<void>;
  /**
   * Keeps the content of an object in a local file while others may remove the object.
   *
   * @param bytes the content
   * @returns null if the object was removed already
   */
  hold(key: string, bytes: Uint8Array): Promise<HeldFile | null>;
  /** Objects with keys `FOLDERab/cd/NAME`, where `ab` and `cd` are hex digits, by ascending key. `folder` ends with a slash, or is empty. */
  list(folder: string): AsyncIterable<ListedObject>;
  /** Path of the object's file; null where it is not a local file. */
  pathOf(key: string): string | null;
  /** Removes what processes that have ended left behind. */
  removeLeftovers(): Promise<void>;
  /** A problem that an operator should know; null if it can be used. */
  problem(): Promise<string | null>;
}
