import type { Item } from '../../__generated__/prisma/client.js';
import type { ItemRow, JsonObject } from '../types.js';

/** A row of `item` under Prisma's names; raw SQL selects the same with ITEM_COLUMNS. */
export type StoredItem = Omit<Item, 'updatedAt' | 'home' | 'perceptualHash' | 'perceptualDetail'>;

/** The columns of `item i` under the names of StoredItem. */
export const ITEM_COLUMNS = `i.id, i.modality, i.external_id AS "externalId", i.title, i.text, i.language,
  i.content_hash AS "contentHash", i.media_type AS "mediaType", i.width, i.height, i.metadata,
  i.pair_id AS "pairId", i.created_at AS "createdAt"`;

/** The typed value of a row. Throws if a column that its modality needs is null, which a check constraint forbids. */
export function itemRow(stored: StoredItem): ItemRow {
  const { id, externalId, title, contentHash, pairId, createdAt } = stored;
  const base = {
    id,
    externalId,
    title,
    metadata: jsonObject(stored.metadata),
    pairId,
    contentHash,
    createdAt,
  };
  if (stored.modality === 'TEXT') {
    if (stored.text === null) throw new Error(`text item ${id} has no text`);
    return { ...base, modality: 'TEXT', text: stored.text, language: stored.language };
  }
  const { mediaType, width, height } = stored;
  if (mediaType === null || width === null || height === null)
    throw new Error(`image item ${id} is incomplete`);
  return { ...base, modality: 'IMAGE', mediaType, width, height };
}

/** A jsonb column that holds objects only. */
function jsonObject(value: unknown): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('not a JSON object');
  return value as JsonObject;
}
