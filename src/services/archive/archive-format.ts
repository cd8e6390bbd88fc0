/** The archive of a catalogue; docs/archive.md describes it. */
import { z } from 'zod';
import type { VectorChunk } from '../../catalog/types.js';
import { CommonspaceError } from '../../domain/errors.js';
import { isSha256 } from '../../domain/ids.js';
import { MODALITIES, type Modality } from '../../domain/modality.js';
import { MAX_IMAGE_BYTES } from '../../media/limits.js';
import { badArchive } from '../../platform/tar/tar-reader.js';

/** A reader refuses archives of later versions. */
const VERSION = 1;
const FORMAT = 'commonspace-archive';

/** The first member. */
export const HEADER = 'commonspace-archive.json';
/** The member after the pictures: those whose bytes the exported catalogue did not have. */
export const MISSING = 'missing-pictures.txt';

const header = z.object({
  format: z.literal(FORMAT),
  version: z.int().min(1),
  createdAt: z.iso.datetime(),
  counts: z.object({
    /** Bytes of pictures, also of those that are missing. */
    pictures: z.int(),
    classes: z.int(),
    items: z.int(),
    encoders: z.int(),
    /** Members of the archive that have rows or vectors. */
    members: z.int(),
  }),
});
export type ArchiveHeader = z.infer<typeof header>;

export function encodeHeader(counts: ArchiveHeader['counts']): Buffer {
  const value: ArchiveHeader = {
    format: FORMAT,
    version: VERSION,
    createdAt: new Date().toISOString(),
    counts,
  };
  return Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
}

/** @throws CommonspaceError BAD_ARCHIVE, ARCHIVE_TOO_NEW */
export function decodeHeader(bytes: Buffer): ArchiveHeader {
  const value = jsonOf(bytes, HEADER);
  const { format, version } = z
    .object({ format: z.unknown(), version: z.unknown() })
    .catch({ format: null, version: null })
    .parse(value);
  if (format === FORMAT && typeof version === 'number' && version > VERSION) {
    throw new CommonspaceError(
      'ARCHIVE_TOO_NEW',
      `The archive has version ${version}, and this program reads version ${VERSION} at most. Use a newer one.`,
      ['file'],
    );
  }
  const parsed = header.safeParse(value);
  if (!parsed.success) throw badArchive(`${HEADER} is malformed`, HEADER, parsed.error);
  return parsed.data;
}

/** What a member has, by its name. */
export type MemberKind =
  | { readonly kind: 'header' | 'missing' | LineMember }
  | VectorMember
  | { readonly kind: 'picture'; readonly sha256: string }
  | { readonly kind: 'weights'; readonly encoderId: string };

export type VectorMember =
  | { readonly kind: 'features' | 'class-features' }
  | { readonly kind: 'embeddings'; readonly encoderId: string; readonly modality: Modality };

/** Members with rows, as lines of JSON. */
export type LineMember = 'pictures' | 'classes' | 'items' | 'encoders';

/** Bytes of one member at most: it is read into memory. */
export const MAX_BYTES: Readonly<Record<MemberKind['kind'], number>> = {
  header: 2 ** 20,
  missing: 2 ** 27,
  picture: MAX_IMAGE_BYTES,
  pictures: 2 ** 26,
  classes: 2 ** 26,
  items: 2 ** 26,
  encoders: 2 ** 28,
  weights: 2 ** 30,
  features: 2 ** 26,
  'class-features': 2 ** 26,
  embeddings: 2 ** 26,
};

const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const PICTURE = /^media\/([0-9a-f]{2})\/([0-9a-f]{2})\/([0-9a-f]{64})$/;
const LINES = /^(pictures|classes|items)\/\d{6}\.jsonl$/;
const ENCODER = new RegExp(`^encoders/(${UUID})\\.(json|weights)$`);
const FEATURES = /^(features|class-features)\/\d{3}\/\d{6}\.bin$/;
const EMBEDDINGS = new RegExp(`^embeddings/(${UUID})/(image|text)/\\d{6}\\.bin$`);

/** No other name is accepted, so none leads out of a folder. @throws CommonspaceError BAD_ARCHIVE */
export function memberKind(name: string): MemberKind {
  if (name === HEADER) return { kind: 'header' };
  if (name === MISSING) return { kind: 'missing' };
  const sha256 = pictureIn(name);
  if (sha256 !== null) return { kind: 'picture', sha256 };
  const lines = LINES.exec(name) ?? FEATURES.exec(name);
  if (lines !== null)
    return { kind: lines[1] as Exclude<LineMember, 'encoders'> | 'features' | 'class-features' };
  const [, encoderId, part] = ENCODER.exec(name) ?? [];
  if (encoderId !== undefined) return part === 'json' ? { kind: 'encoders' } : { kind: 'weights', encoderId };
  const [, embedder, suffix] = EMBEDDINGS.exec(name) ?? [];
  const modality = MODALITIES.find((one) => one.toLowerCase() === suffix);
  if (embedder === undefined || modality === undefined)
    throw badArchive(`it has a member ${JSON.stringify(name)}`, name);
  return { kind: 'embeddings', encoderId: embedder, modality };
}

/** The hash in the name of a picture's member; null for another member. */
export function pictureIn(name: string): string | null {
  const [, first, second, sha256] = PICTURE.exec(name) ?? [];
  return sha256 !== undefined && isSha256(sha256) && sha256.startsWith(`${first}${second}`) ? sha256 : null;
}

export function pictureMember(sha256: string): string {
  return `media/${sha256.slice(0, 2)}/${sha256.slice(2, 4)}/${sha256}`;
}

export function encodeLines(lines: readonly string[]): Buffer {
  return Buffer.from(`${lines.join('\n')}\n`);
}

/** The lines as they are: the database parses them. */
export function decodeLines(bytes: Buffer): string[] {
  const lines = bytes.toString('utf8').split('\n');
  return lines.filter((line) => line !== '');
}

/** The first line of a member with vectors. */
const vectorsHeader = z.object({
  /** Of features. */
  extractor: z.string().optional(),
  rows: z.int().min(1),
  dimensions: z.int().min(1).max(16_000),
});
const ID_BYTES = 16;
const NEWLINE = 0x0a;

/** Vectors: a line of JSON, then the ids, then the numbers as little-endian float32, row by row. */
export function encodeVectors({ ids, matrix }: VectorChunk, extractor?: string): Buffer {
  const { rows, columns, data } = matrix;
  const head = Buffer.from(
    `${JSON.stringify({ ...(extractor !== undefined && { extractor }), rows, dimensions: columns })}\n`,
  );
  const bytes = Buffer.allocUnsafe(head.length + rows * (ID_BYTES + 4 * columns));
  let at = head.copy(bytes);
  for (const id of ids) at += bytes.write(id.replaceAll('-', ''), at, ID_BYTES, 'hex');
  for (const number of data) at = bytes.writeFloatLE(number, at);
  return bytes;
}

/** @throws CommonspaceError BAD_ARCHIVE */
export function decodeVectors(
  bytes: Buffer,
  name: string,
): VectorChunk & { readonly extractor: string | null } {
  const end = bytes.indexOf(NEWLINE);
  const parsed = vectorsHeader.safeParse(jsonOf(bytes.subarray(0, Math.max(0, end)), name));
  if (!parsed.success) throw badArchive(`${name} is malformed`, name, parsed.error);
  const { rows, dimensions: columns, extractor = null } = parsed.data;
  const start = end + 1;
  if (bytes.length - start !== rows * (ID_BYTES + 4 * columns))
    throw badArchive(`${name} has another length than it says`, name);
  const ids = Array.from({ length: rows }, (_, row) => uuidAt(bytes, start + row * ID_BYTES));
  const data = new Float32Array(rows * columns);
  const numbers = start + rows * ID_BYTES;
  for (let i = 0; i < data.length; i += 1) data[i] = bytes.readFloatLE(numbers + 4 * i);
  return { extractor, ids, matrix: { data, rows, columns } };
}

function uuidAt(bytes: Buffer, at: number): string {
  const hex = bytes.toString('hex', at, at + ID_BYTES);
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

function jsonOf(bytes: Buffer, name: string): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw badArchive(`${name} is malformed`, name, error);
  }
}
