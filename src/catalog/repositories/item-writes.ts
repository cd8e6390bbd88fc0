import type { ItemWords } from '../../domain/lexical/item-terms.js';
import type { Database, Queryable } from '../postgres/database.js';
import { homeOf, keyOf, locking } from '../postgres/homes.js';
import type { ItemRow, ItemWrite } from '../types.js';
import { encodeHomes, encodeUuidArray } from '../vectors/vector-codec.js';
import type { VectorPartitions } from '../vectors/vector-partitions.js';
import type { VectorWrites } from '../vectors/vector-writes.js';
import type { Words } from '../words/words.js';
import { LIVE_ENCODERS, shareEncoders } from './encoder-lock.js';
import { noteChanges } from './item-changes.js';
import { asIdentityConflict, requireIdentities } from './item-identities.js';
import { setClasses } from './item-labels.js';
import { ensureClasses, ensurePairs } from './item-links.js';
import { type ItemMove, moveItems } from './item-moves.js';
import { recordPictures, type StoredPicture } from './media.js';
import { bytes } from './picture-hashes.js';
import { ITEM_COLUMNS, itemRow, type StoredItem } from './rows.js';

/** Another writer has changed or deleted an item since it was read. Nothing was written; the caller reads it again. */
export class ItemsChanged extends Error {
  override readonly name = 'ItemsChanged';
}

/**
 * An encoder has become live that the writes have no embeddings for. Nothing was written; the caller reads the live
 * encoders again and retries.
 */
export class EncodersChanged extends Error {
  override readonly name = 'EncodersChanged';
}

export interface WriteParts {
  readonly partitions: VectorPartitions;
  readonly vectors: VectorWrites;
  readonly words: Words;
}

/**
 * Writes items with their words, image records, pairs, classes, features and embeddings, all or none. Items are inserted, or
 * replaced by their id; missing pairs and classes are inserted. Vectors of an item's former content are deleted.
 *
 * Each write must have an embedding for every live encoder whose feature it has, and must have tried the extractors of all
 * live encoders. Embeddings for encoders that are no longer live are ignored.
 *
 * @returns the rows as stored, in the order of the writes.
 * @throws IdentityConflict, ItemsChanged, EncodersChanged, or CommonspaceError BUSY
 */
export async function writeItems(
  db: Database,
  { partitions, vectors, words }: WriteParts,
  writes: readonly ItemWrite[],
): Promise<ItemRow[]> {
  if (writes.length === 0) return [];
  const extractors = new Set(writes.flatMap((write) => [...write.features.keys()]));
  // Partitions are created before, in transactions of their own, because that locks the whole table.
  for (const extractor of extractors) await partitions.ensureFeatures(extractor);
  const lexemes = await words.prepare(writes.map(wordsOf));
  try {
    const inTransaction = async (tx: Queryable) => {
      const live = await liveEncoders(tx, writes);
      await recordPictures(tx, writes.flatMap(pictureOf));
      const pairIds = await ensurePairs(
        tx,
        writes.flatMap(({ pairKey }) => pairKey ?? []),
      );
      const classIds = await ensureClasses(
        tx,
        writes.flatMap(({ classNames }) => classNames ?? []),
      );
      const locked = await lockItems(tx, writes);
      requireVersions(writes, locked);
      await deleteVectors(
        tx,
        locked.flatMap(({ id, changed }) => (changed ? [id] : [])),
      );
      await moveItems(tx, movesOf(writes, locked, pairIds));
      const rows = await upsert(tx, writes, pairIds, lexemes);
      await requireIdentities(tx, rows);
      await setClasses(tx, writes, classIds);
      for (const extractor of extractors) {
        await vectors.putFeatures(
          tx,
          extractor,
          vectorsBy(writes, (write) => write.features.get(extractor)),
        );
      }
      await putEmbeddings(tx, vectors, writes, live);
      const existing = new Set(locked.map(({ id }) => id));
      await noteChanges(
        tx,
        rows.map(({ id }) => ({ itemId: id, kind: existing.has(id) ? 'UPDATED' : 'CREATED' })),
      );
      return rows;
    };
    const stored = await db.transaction(inTransaction, { repeat: true, items: true });
    words.written(writes.length);
    return stored;
  } catch (error) {
    throw asIdentityConflict(error);
  }
}

function wordsOf({ title, text, metadata }: ItemWrite): ItemWords {
  const tag = text?.language ?? metadata.language;
  return { title, text: text?.text ?? null, language: typeof tag === 'string' ? tag : null };
}

function pictureOf({ image, contentHash }: ItemWrite): StoredPicture[] {
  return image === null ? [] : [{ sha256: contentHash, ...image }];
}

/**
 * Locks the items that exist, by id. The locks make VectorWrites.fillFeatures wait, so that it stores no feature of the former
 * content.
 *
 * @returns those items, with the versions that they had, and whether the writes replace their content
 */
function lockItems(tx: Queryable, writes: readonly ItemWrite[]): Promise<LockedItem[]> {
  return tx.run<LockedItem>(
    `SELECT i.id, i.home, i.xmin::text AS version, i.content_hash <> w.content_hash AS changed
     FROM unnest($1::uuid[], $2::text[]) AS w (id, content_hash) JOIN item i ON i.id = w.id
     ORDER BY i.id ${locking(tx, 'FOR NO KEY UPDATE OF i')}`,
    [encodeUuidArray(writes.map((write) => write.id)), writes.map((write) => write.contentHash)],
  );
}

interface LockedItem {
  readonly id: string;
  readonly home: string | null;
  readonly version: string;
  readonly changed: boolean;
}

/** Those of the writes whose items exist. */
function movesOf(
  writes: readonly ItemWrite[],
  locked: readonly LockedItem[],
  pairIds: ReadonlyMap<string, string>,
): ItemMove[] {
  const byId = new Map(writes.map((write) => [write.id.toLowerCase(), write]));
  return locked.flatMap(({ id, home }) => {
    const write = byId.get(id);
    return write === undefined ? [] : [{ id, home, pairId: pairIdOf(write, pairIds) }];
  });
}

function pairIdOf({ pairKey }: Pick<ItemWrite, 'pairKey'>, pairIds: ReadonlyMap<string, string>) {
  return pairKey === null ? null : (pairIds.get(pairKey) ?? null);
}

/** Otherwise a write would undo what another writer has changed since the item was read. @throws ItemsChanged */
function requireVersions(writes: readonly ItemWrite[], locked: readonly LockedItem[]): void {
  const versions = new Map(locked.map(({ id, version }) => [id, version]));
  const isStale = ({ id, version }: ItemWrite) =>
    version !== undefined && version !== (versions.get(id.toLowerCase()) ?? null);
  if (writes.some(isStale)) throw new ItemsChanged('an item was changed since it was read');
}

async function deleteVectors(tx: Queryable, itemIds: readonly string[]): Promise<void> {
  if (itemIds.length === 0) return;
  const ids = encodeUuidArray(itemIds);
  await tx.run('DELETE FROM feature WHERE item_id = ANY($1::uuid[])', [ids]);
  await tx.run('DELETE FROM embedding WHERE item_id = ANY($1::uuid[])', [ids]);
}

async function upsert(
  tx: Queryable,
  writes: readonly ItemWrite[],
  pairIds: ReadonlyMap<string, string>,
  lexemes: readonly string[],
): Promise<ItemRow[]> {
  const column = (value: (write: ItemWrite) => unknown) => writes.map(value);
  const rows = await tx.run<StoredItem>(
    `INSERT INTO item AS i (id, home, modality, external_id, title, text, language, content_hash, media_type, width, height,
       perceptual_hash, perceptual_detail, metadata, pair_id, lexemes, updated_at)
     SELECT id, home, modality::modality, external_id, title, text, language, content_hash, media_type, width, height,
       perceptual_hash, perceptual_detail, metadata::jsonb, pair_id, lexemes::tsvector, CURRENT_TIMESTAMP
     FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
       $9::int[], $10::int[], $11::bigint[], $12::bytea[], $13::text[], $14::uuid[],
       $15::text[], $16::uuid[])
       AS w (id, modality, external_id, title, text, language, content_hash, media_type, width, height, perceptual_hash,
         perceptual_detail, metadata, pair_id, lexemes, home)
     -- By identity, for the new ones; those that exist are locked.
     ORDER BY external_id, modality, content_hash, pair_id
     ON CONFLICT (${keyOf(tx, 'id')}) DO UPDATE SET modality = EXCLUDED.modality, external_id = EXCLUDED.external_id,
       title = EXCLUDED.title, text = EXCLUDED.text, language = EXCLUDED.language,
       content_hash = EXCLUDED.content_hash, media_type = EXCLUDED.media_type, width = EXCLUDED.width,
       height = EXCLUDED.height, perceptual_hash = EXCLUDED.perceptual_hash,
       perceptual_detail = EXCLUDED.perceptual_detail, metadata = EXCLUDED.metadata, pair_id = EXCLUDED.pair_id,
       lexemes = EXCLUDED.lexemes, updated_at = EXCLUDED.updated_at
     RETURNING ${ITEM_COLUMNS}`,
    [
      encodeUuidArray(writes.map((write) => write.id)),
      column((write) => write.modality),
      column((write) => write.externalId),
      column((write) => write.title),
      column((write) => write.text?.text ?? null),
      column((write) => write.text?.language ?? null),
      column((write) => write.contentHash),
      column((write) => write.image?.mediaType ?? null),
      column((write) => write.image?.width ?? null),
      column((write) => write.image?.height ?? null),
      column((write) => write.image?.pictureHash?.hash.toString() ?? null),
      column((write) => bytes(write.image?.pictureHash?.detail)),
      column((write) => JSON.stringify(write.metadata)),
      column((write) => pairIdOf(write, pairIds)),
      lexemes,
      encodeHomes(writes.map((write) => homeOf(tx, write.id, pairIdOf(write, pairIds)))),
    ],
  );
  const byId = new Map(rows.map((row) => [row.id, itemRow(row)]));
  return writes.map((write) => {
    const row = byId.get(write.id.toLowerCase());
    if (!row) throw new Error(`item ${write.id} was not written`);
    return row;
  });
}

/** Ids of the live encoders, which stay live until the transaction ends. @throws EncodersChanged */
async function liveEncoders(tx: Queryable, writes: readonly ItemWrite[]): Promise<readonly string[]> {
  // Two statements: a single one would use a snapshot from before it waited for the lock.
  await shareEncoders(tx);
  const live = await tx.run<{ id: string; IMAGE: string; TEXT: string }>(
    `SELECT id, image_extractor AS "IMAGE", text_extractor AS "TEXT" FROM encoder WHERE ${LIVE_ENCODERS} ORDER BY id`,
  );
  for (const { embeddings, features, modality, tried } of writes) {
    const lacking = live.find((encoder) => {
      const extractor = encoder[modality];
      if (features.has(extractor)) return !embeddings.has(encoder.id);
      // A write with new content has features; a live encoder's extractor may not have been tried.
      return features.size > 0 && tried !== undefined && !tried.has(extractor);
    });
    if (lacking) throw new EncodersChanged(`no embedding of encoder ${lacking.id}`);
  }
  return live.map((encoder) => encoder.id);
}

async function putEmbeddings(
  tx: Queryable,
  vectors: VectorWrites,
  writes: readonly ItemWrite[],
  encoderIds: readonly string[],
): Promise<void> {
  for (const encoderId of encoderIds) {
    for (const modality of ['IMAGE', 'TEXT'] as const) {
      const ofModality = writes.filter((write) => write.modality === modality);
      const embeddings = vectorsBy(ofModality, (write) => write.embeddings.get(encoderId));
      await vectors.putEmbeddings(tx, encoderId, modality, embeddings);
    }
  }
}

function vectorsBy(
  writes: readonly ItemWrite[],
  vectorOf: (write: ItemWrite) => Float32Array | undefined,
): Map<string, Float32Array> {
  return new Map(
    writes.flatMap((write) => {
      const vector = vectorOf(write);
      return vector ? [[write.id, vector] as const] : [];
    }),
  );
}
