import type { ExistingItem, ItemIdentity, ItemRow, ItemWrite, JsonObject } from '../../catalog/types.js';
import { fingerprint } from '../../domain/cursor.js';
import { CommonspaceError, type FieldPath } from '../../domain/errors.js';
import type { PictureHash } from '../../domain/picture-hash.js';
import type { StoredImage } from '../../media/types.js';
import type { PreparedItem } from './ingest-preparation.js';

/** The identity by which an input is the same item as a stored one: its external id, or else its content within its pair. */
export function identityOf(item: PreparedItem): ItemIdentity {
  const { externalId, pairKey } = item.input;
  if (externalId != null) return { externalId };
  return { modality: item.modality, contentHash: item.contentHash, pairKey: pairKey ?? null };
}

/** What is written of an item besides its id and vectors. */
export type MergedWrite = Omit<ItemWrite, 'id' | 'features' | 'tried' | 'embeddings'>;

type MergeResult =
  | { readonly kind: 'unchanged'; readonly row: ItemRow }
  | { readonly kind: 'write'; readonly write: MergedWrite };

/**
 * Merges an input with the item stored under its identity, if any: fields left out keep their stored values. An item
 * without external id is identified by its content, so ingesting the same content again never changes it.
 *
 * @throws CommonspaceError BAD_INPUT where the external id belongs to an item of the other modality.
 */
export function mergeWrite(item: PreparedItem, found: ExistingItem | null, field: FieldPath): MergeResult {
  const { input, modality } = item;
  if (found !== null && found.row.modality !== modality) {
    throw new CommonspaceError(
      'BAD_INPUT',
      `This external id belongs to an item of modality ${found.row.modality}; delete that first.`,
      [...field, 'externalId'],
    );
  }
  if (found !== null && input.externalId == null) return { kind: 'unchanged', row: found.row };
  const metadata: JsonObject = input.metadata ?? found?.row.metadata ?? {};
  const write: MergedWrite = {
    modality,
    externalId: input.externalId ?? null,
    title: input.title !== undefined ? input.title || null : (found?.row.title ?? null),
    metadata,
    contentHash: item.contentHash,
    pairKey: input.pairKey ?? found?.pairKey ?? null,
    classNames: classesOf(input.classes, found),
    version: found?.version ?? null,
    image: item.modality === 'IMAGE' ? imageOf(item.image, item.pictureHash) : null,
    text: item.modality === 'TEXT' ? { text: item.text, language: languageOf(metadata) } : null,
  };
  if (found !== null && isSame(write, found)) return { kind: 'unchanged', row: found.row };
  return { kind: 'write', write };
}

/** Null: the stored item keeps its classes. */
function classesOf(given: readonly string[] | null | undefined, found: ExistingItem | null): string[] | null {
  if (given == null) return found === null ? [] : null;
  return [...new Set(given.map((name) => name.trim()))].sort();
}

function imageOf(
  { mediaType, width, height, bytes }: StoredImage,
  pictureHash: PictureHash,
): ItemWrite['image'] {
  return { mediaType, width, height, bytes, pictureHash };
}

function isSame(write: MergedWrite, { row, pairKey, classNames }: ExistingItem): boolean {
  return (
    write.contentHash === row.contentHash &&
    write.title === row.title &&
    write.pairKey === pairKey &&
    fingerprint(write.metadata) === fingerprint(row.metadata) &&
    (write.classNames === null || fingerprint(write.classNames) === fingerprint([...classNames].sort()))
  );
}

/** The language of a text with this metadata. */
export function languageOf(metadata: JsonObject): string | null {
  return typeof metadata.language === 'string' && metadata.language.length <= 35 ? metadata.language : null;
}
