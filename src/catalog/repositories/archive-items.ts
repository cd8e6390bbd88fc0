import type { Queryable } from '../postgres/database.js';
import { linesAs } from './archive-sql.js';
import { noteChanges } from './item-changes.js';
import { requireIdentities } from './item-identities.js';
import { ensureClasses, ensurePairs } from './item-links.js';

/** Lines as one JSON array, for `linesAs`. */
export function arrayOf(lines: readonly string[]): string {
  return `[${lines.join(',')}]`;
}

/**
 * Inserts items of an archive with their pairs and classes, but for those whose id or identity exists.
 *
 * @returns how many
 * @throws IdentityConflict
 */
export async function insertItems(tx: Queryable, lines: readonly string[]): Promise<number> {
  const values = [arrayOf(lines)];
  await addPairs(tx, lines);
  const [named] = await tx.runOnce<{ keys: string[]; classes: string[] }>(
    `SELECT ARRAY(SELECT DISTINCT pair->>'key' FROM ${linesAs('items')} WHERE pair IS NOT NULL) AS keys,
       ARRAY(SELECT DISTINCT name FROM ${linesAs('items')}, unnest(classes) AS name) AS classes`,
    values,
  );
  // Locked, and made again if they were removed meanwhile.
  const pairs = [...(await ensurePairs(tx, named?.keys ?? []))];
  const classes = [...(await ensureClasses(tx, named?.classes ?? []))];
  // No index of a distributed database refuses an item whose id or identity exists.
  const existing = tx.distributed ? await existingOf(tx, lines) : [];
  const added = await tx.runOnce<AddedItem>(INSERT_ITEMS, [
    ...values,
    pairs.map(([key]) => key),
    pairs.map(([, id]) => id),
    existing,
    tx.distributed,
  ]);
  await requireIdentities(tx, added);
  await tx.runOnce(INSERT_LABELS, [
    ...values,
    added.map(({ id }) => id),
    added.map(({ home }) => home),
    classes.map(([name]) => name),
    classes.map(([, id]) => id),
  ]);
  await noteChanges(
    tx,
    added.map(({ id }) => ({ itemId: id, kind: 'CREATED' as const })),
  );
  return added.length;
}

interface AddedItem {
  readonly id: string;
  readonly home: string | null;
  readonly externalId: string | null;
  readonly contentHash: string;
}

/** `$2` and `$3`: keys and ids of pairs; `$4`: ids to leave out; `$5`: whether items have homes of their own (see homes.ts). */
const INSERT_ITEMS = `INSERT INTO item (id, home, modality, external_id, title, text, language, content_hash, media_type, width, height,
    perceptual_hash, perceptual_detail, metadata, pair_id, created_at, updated_at)
  SELECT r.id, CASE WHEN $5::boolean THEN COALESCE(p.id, r.id) END, r.modality, r."externalId", r.title, r.text, r.language,
    r."contentHash", r."mediaType", r.width, r.height, r."perceptualHash", decode(r."perceptualDetail", 'hex'), r.metadata, p.id,
    r."createdAt", r."updatedAt"
  FROM ${linesAs('items')} LEFT JOIN unnest($2::text[], $3::uuid[]) AS p (key, id) ON p.key = r.pair->>'key'
  WHERE r.id <> ALL($4::uuid[])
  ORDER BY r."externalId", r.modality, r."contentHash", p.id ON CONFLICT DO NOTHING RETURNING id, home, external_id AS "externalId", content_hash AS "contentHash"`;

/** `$2` and `$3`: ids and homes of the items that were inserted; `$4` and `$5`: names and ids of classes. */
const INSERT_LABELS = `INSERT INTO item_class (item_id, class_id, home)
  SELECT a.id, c.id, a.home FROM ${linesAs('items')} JOIN unnest($2::uuid[], $3::uuid[]) AS a (id, home) ON a.id = r.id
    CROSS JOIN unnest(r.classes) AS n (name) JOIN unnest($4::text[], $5::uuid[]) AS c (name, id) ON c.name = n.name`;

/** Stores pairs of items of an archive that do not exist. */
async function addPairs(tx: Queryable, lines: readonly string[]): Promise<void> {
  const values = [arrayOf(lines)];
  // No index of a distributed database keeps keys unique.
  const known = tx.distributed
    ? await tx.runOnce<{ key: string }>(
        `SELECT DISTINCT p.key FROM ${linesAs('items')} JOIN pair p ON p.key = r.pair->>'key'`,
        values,
      )
    : [];
  await tx.runOnce(
    `INSERT INTO pair (id, home, key, created_at)
     SELECT DISTINCT ON (pair->>'key') (pair->>'id')::uuid, CASE WHEN $3::boolean THEN (pair->>'id')::uuid END,
       pair->>'key', (pair->>'createdAt')::timestamptz
     FROM ${linesAs('items')} WHERE pair IS NOT NULL AND pair->>'key' <> ALL($2::text[]) ORDER BY pair->>'key' ON CONFLICT DO NOTHING`,
    [...values, known.map(({ key }) => key), tx.distributed],
  );
}

/** Ids of those items of an archive that exist, by id or identity. */
export async function existingOf(on: Queryable, lines: readonly string[]): Promise<string[]> {
  const rows = await on.runOnce<{ id: string }>(
    `SELECT r.id FROM ${linesAs('items')} JOIN item t ON t.id = r.id
     UNION
     SELECT r.id FROM ${linesAs('items')} JOIN item t ON t.external_id = r."externalId"
     UNION
     SELECT r.id FROM ${linesAs('items')} JOIN item t ON t.content_hash = r."contentHash" AND t.modality = r.modality
     WHERE r."externalId" IS NULL AND t.external_id IS NULL AND r.pair->>'key' IS NULL AND t.pair_id IS NULL
     UNION
     SELECT r.id FROM ${linesAs('items')} JOIN pair p ON p.key = r.pair->>'key'
       JOIN item t ON t.content_hash = r."contentHash" AND t.modality = r.modality AND t.pair_id = p.id AND t.home = p.home
     WHERE r."externalId" IS NULL AND t.external_id IS NULL`,
    [arrayOf(lines)],
  );
  return rows.map(({ id }) => id);
}
