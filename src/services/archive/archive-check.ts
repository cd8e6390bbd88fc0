import type { Catalog } from '../../catalog/catalog.js';
import {
  type CatalogueSize,
  type PairGrowth,
  UnusableRows,
} from '../../catalog/repositories/archive-writes.js';
import { CommonspaceError, throwIfCancelled } from '../../domain/errors.js';
import { LIMITS } from '../../domain/limits.js';
import { badArchive, contentOf, readTar, type TarEntry } from '../../platform/tar/tar-reader.js';
import {
  type ArchiveHeader,
  decodeHeader,
  decodeLines,
  HEADER,
  MAX_BYTES,
  type MemberKind,
  memberKind,
  pictureIn,
} from './archive-format.js';

/** A member of an archive, with what its name says. */
export interface ArchiveEntry {
  readonly entry: TarEntry;
  readonly member: MemberKind;
}

/**
 * The members of an archive after its header. Each is complete and unchanged when the next one is asked for; see readTar.
 *
 * @throws CommonspaceError BAD_ARCHIVE, ARCHIVE_TOO_NEW, FILE_MISSING
 */
export async function* readArchive(
  path: string,
  onHeader: (header: ArchiveHeader) => void = () => {},
): AsyncGenerator<ArchiveEntry> {
  let begun = false;
  for await (const entry of readTar(path, pictureIn)) {
    if (!begun && entry.name !== HEADER) throw badArchive(`it does not begin with ${HEADER}`, entry.name);
    if (!begun) {
      onHeader(decodeHeader(await contentOf(entry, MAX_BYTES.header)));
      begun = true;
      continue;
    }
    const member = memberKind(entry.name);
    if (entry.kind !== 'file' || member.kind === 'header')
      throw badArchive(`it has a member ${entry.name}`, entry.name);
    if (entry.bytes > MAX_BYTES[member.kind]) throw badArchive(`${entry.name} is too large`, entry.name);
    yield { entry, member };
  }
}

/** Checks that a file begins as an archive, without reading the rest. @throws CommonspaceError as readArchive */
export async function requireArchive(path: string): Promise<void> {
  for await (const _ of readArchive(path)) return;
}

/** What an archive has, as its check has found. */
export interface CheckedArchive {
  /** Members after the header. */
  readonly members: number;
  /** Pictures whose bytes are not in it, because the exported catalogue did not have them. */
  readonly missing: number;
}

/**
 * Reads an archive to its end, so that a damaged one is refused before anything is written.
 *
 * @param merge whether the catalogue may have other data
 * @throws CommonspaceError BAD_ARCHIVE, ARCHIVE_TOO_NEW, FILE_MISSING, CATALOGUE_NOT_EMPTY, PAIR_TOO_LARGE, CANCELLED
 */
export async function checkArchive(
  path: string,
  { writes }: Catalog['archive'],
  { merge, signal }: { readonly merge: boolean; readonly signal?: AbortSignal | undefined },
): Promise<CheckedArchive> {
  const size = await writes.size();
  const isEmpty = size.items + size.classes + size.encoders === 0;
  const found = { items: 0, classes: 0, encoders: 0 };
  const pairs = new Map<string, number>();
  let [expected, members, pictures, missing] = [0, 0, 0, 0];
  const onHeader = ({ counts }: ArchiveHeader) => {
    expected = counts.pictures;
  };
  for await (const { entry, member } of readArchive(path, onHeader)) {
    throwIfCancelled(signal);
    members += 1;
    if (member.kind === 'picture') pictures += 1;
    if (member.kind === 'missing') missing = (await linesOf(entry, member)).length;
    if (isEmpty) continue;
    if (merge) {
      if (member.kind === 'items') {
        const lines = await linesOf(entry, member);
        addPairs(pairs, await rowsOf(entry.name, writes.pairsGrowing(lines)));
      }
      continue;
    }
    if (member.kind === 'items' || member.kind === 'classes' || member.kind === 'encoders') {
      const lines = await linesOf(entry, member);
      found[member.kind] += await rowsOf(entry.name, writes.stored(member.kind, lines));
    }
  }
  if (pictures + missing !== expected)
    throw badArchive(`it has ${pictures + missing} pictures, and its header says ${expected}`, HEADER);
  if (!isEmpty && !merge) refuseOthers(size, found);
  return { members, missing };
}

/** @param sizes of the pairs that exist and grow, with the items of the archive so far */
function addPairs(sizes: Map<string, number>, growing: readonly PairGrowth[]): void {
  for (const { key, added, stored } of growing) {
    const size = (sizes.get(key) ?? stored) + added;
    if (size > LIMITS.itemsPerPair)
      throw new CommonspaceError(
        'PAIR_TOO_LARGE',
        `The pair ${JSON.stringify(key)} has ${stored} items, and the archive would add more than fit: at most ${LIMITS.itemsPerPair} items can have the same pair key. Nothing is stored.`,
        ['file'],
      );
    sizes.set(key, size);
  }
}

function refuseOthers(size: CatalogueSize, found: CatalogueSize): void {
  const others = (['items', 'classes', 'encoders'] as const).flatMap((kind) =>
    size[kind] > found[kind] ? [`${size[kind] - found[kind]} ${kind}`] : [],
  );
  if (others.length === 0) return;
  throw new CommonspaceError(
    'CATALOGUE_NOT_EMPTY',
    `The catalogue has ${others.join(', ')} that are not those of the archive. Import it into another data folder or database, or add it to what is there (--merge).`,
    ['file'],
  );
}

/** The lines of a member in memory. */
export async function linesOf(entry: TarEntry, { kind }: MemberKind): Promise<string[]> {
  return decodeLines(await contentOf(entry, MAX_BYTES[kind]));
}

/** @throws CommonspaceError BAD_ARCHIVE for rows that the database refuses */
export async function rowsOf<T>(name: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof UnusableRows
      ? badArchive(`${name} has rows that cannot be stored (${error.message})`, name, error)
      : error;
  }
}
