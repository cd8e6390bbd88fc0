/**
 * The statements of the release before whose tables a migration changes, as that release sends them. At a release, replace them by those of the
 * release that it follows, and `LAST_MIGRATION` by the latest one of that release.
 */
export const LAST_MIGRATION = '0024_map';

/** An encoder of the database, and the hex digits of its id, by which its partitions are named. */
export const ENCODER = '00000000-0000-7000-8000-0000000000e1';
const HEX = ENCODER.replaceAll('-', '');
const EXTRACTOR = 'an extractor';
const FEATURES = 'vectors.feature_x';
const EMBEDDINGS = `vectors.embedding_${HEX}`;

/** The partitions of an encoder. */
export function createPartitions(id: string): string[] {
  const name = `vectors.embedding_${id.replaceAll('-', '')}`;
  return [
    `CREATE TABLE IF NOT EXISTS ${name} PARTITION OF embedding FOR VALUES IN ('${id}') PARTITION BY LIST (modality)`,
    ...['IMAGE', 'TEXT'].map(
      (modality) =>
        `CREATE TABLE IF NOT EXISTS ${name}_${modality.toLowerCase()} PARTITION OF ${name} FOR VALUES IN ('${modality}')`,
    ),
  ];
}

/** Drops them. */
export const DROP_PARTITIONS = `DROP TABLE IF EXISTS ${EMBEDDINGS}`;

/** An encoder that is active, its partitions, and those of an extractor. */
export const FILL: readonly string[] = [
  `INSERT INTO encoder (id, state, dimension, image_extractor, text_extractor, finished_at)
   VALUES ('${ENCODER}', 'active', 3, '${EXTRACTOR}', '${EXTRACTOR}', now())`,
  `CREATE TABLE ${FEATURES} PARTITION OF feature FOR VALUES IN ('${EXTRACTOR}')`,
  ...createPartitions(ENCODER),
  `INSERT INTO class (id, name) VALUES ('00000000-0000-7000-8000-0000000000c1', 'circle')`,
];

/** A statement with its values; `$item`, `$pair` and `$number` stand for those of the item that a round is about. */
export interface FormerStatement {
  readonly text: string;
  readonly values: readonly string[];
}

const VECTOR = '[1,0,0]';

/** A pair of an image and a text with class, features and embeddings: one transaction. */
export const INGEST: readonly FormerStatement[] = [
  { text: 'SELECT pg_advisory_xact_lock_shared($1)', values: ['5'] },
  {
    text: 'INSERT INTO pair (id, key) SELECT * FROM unnest($1::uuid[], $2::text[]) ON CONFLICT DO NOTHING',
    values: ['{$pair}', '{$number}'],
  },
  {
    text: 'SELECT id, key FROM pair WHERE key = ANY($1::text[]) ORDER BY key FOR KEY SHARE',
    values: ['{$number}'],
  },
  {
    text: `SELECT i.id, i.xmin::text AS version, i.content_hash <> w.content_hash AS changed
     FROM unnest($1::uuid[], $2::text[]) AS w (id, content_hash) JOIN item i ON i.id = w.id
     ORDER BY i.id FOR NO KEY UPDATE OF i`,
    values: ['{$item}', '{$number}'],
  },
  {
    text: `INSERT INTO item AS i (id, modality, external_id, text, content_hash, pair_id)
     SELECT id, modality::modality, external_id, text, content_hash, pair_id
     FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::uuid[])
       AS w (id, modality, external_id, text, content_hash, pair_id)
     ORDER BY external_id, modality, content_hash, pair_id
     ON CONFLICT (id) DO UPDATE SET text = EXCLUDED.text, updated_at = CURRENT_TIMESTAMP RETURNING id`,
    values: ['{$item}', '{TEXT}', '{$number}', '{words}', '{$number}', '{$pair}'],
  },
  {
    text: 'INSERT INTO item_class (item_id, class_id) SELECT * FROM unnest($1::uuid[], $2::uuid[]) ON CONFLICT DO NOTHING',
    values: ['{$item}', '{00000000-0000-7000-8000-0000000000c1}'],
  },
  { text: 'DELETE FROM feature WHERE item_id = ANY($1::uuid[])', values: ['{$item}'] },
  { text: 'DELETE FROM embedding WHERE item_id = ANY($1::uuid[])', values: ['{$item}'] },
  {
    text: `INSERT INTO ${FEATURES} (item_id, extractor, vec) SELECT id, $1, vec FROM unnest($2::uuid[], $3::vector[]) AS u (id, vec)
     ON CONFLICT (item_id, extractor) DO UPDATE SET vec = EXCLUDED.vec`,
    values: [EXTRACTOR, '{$item}', `{"${VECTOR}"}`],
  },
  {
    text: `INSERT INTO ${EMBEDDINGS}_text (encoder_id, item_id, modality, vec)
         SELECT $1::uuid, id, $2::modality, vec FROM unnest($3::uuid[], $4::vector[]) AS u (id, vec)
         WHERE EXISTS (SELECT 1 FROM item i WHERE i.id = u.id)
         ON CONFLICT (item_id, encoder_id, modality) DO UPDATE SET vec = EXCLUDED.vec`,
    values: [ENCODER, 'TEXT', '{$item}', `{"${VECTOR}"}`],
  },
  {
    text: `INSERT INTO vectors.item_change (item_id, kind) SELECT id, kind::vectors.item_change_kind FROM unnest($1::uuid[], $2::text[]) AS u (id, kind)`,
    values: ['{$item}', '{CREATED}'],
  },
];

/** Searches and reads: a statement each, by what it is for. */
export const READS: Readonly<Record<string, FormerStatement>> = {
  'search by embedding': {
    text: `SELECT id, d FROM ((SELECT v.item_id AS id, v.vec <#> $1::vector AS d FROM ${EMBEDDINGS}_image v ORDER BY d, id LIMIT $2)
      UNION ALL (SELECT v.item_id AS id, v.vec <#> $1::vector AS d FROM ${EMBEDDINGS}_text v ORDER BY d, id LIMIT $2)) s
      ORDER BY d, id LIMIT $3 OFFSET $4`,
    values: [VECTOR, '10', '10', '0'],
  },
  'search by embedding among the items of a class': {
    text: `SELECT v.item_id AS id, v.vec <#> $1::vector AS d FROM ${EMBEDDINGS}_text v JOIN item i ON i.id = v.item_id
      WHERE EXISTS (SELECT 1 FROM item_class ic WHERE ic.item_id = i.id AND ic.class_id = ANY($2::uuid[])) ORDER BY d, id LIMIT 10`,
    values: [VECTOR, '{00000000-0000-7000-8000-0000000000c1}'],
  },
  'similarities of given items': {
    text: `SELECT g.id, e.vec <#> $1::vector AS content FROM unnest($2::uuid[]) AS g (id) LEFT JOIN ${EMBEDDINGS} e ON e.item_id = g.id`,
    values: [VECTOR, '{$item}'],
  },
  'means of classes': {
    text: `SELECT ic.class_id AS id, vector_send(avg(e.vec)) AS mean, count(*)::int AS count
       FROM item_class ic JOIN ${EMBEDDINGS} e ON e.item_id = ic.item_id GROUP BY ic.class_id`,
    values: [],
  },
  'embeddings of items': {
    text: 'SELECT item_id AS id, vec FROM embedding WHERE item_id = ANY($1::uuid[]) AND encoder_id = $2::uuid',
    values: ['{$item}', ENCODER],
  },
  'the partition with its index': {
    text: `SELECT pg_get_indexdef(x.indexrelid) AS definition, greatest(t.reltuples, 0)::float8 AS rows FROM pg_class t
       LEFT JOIN (pg_index x JOIN pg_class c ON c.oid = x.indexrelid AND c.relname LIKE '%\\_hnsw') ON x.indrelid = t.oid AND x.indisvalid
       WHERE t.oid = to_regclass($1)`,
    values: [EMBEDDINGS],
  },
};

/** Items are deleted, and then pairs that are empty: two statements by themselves. */
export const DELETE: readonly FormerStatement[] = [
  {
    text: `WITH locked AS MATERIALIZED (SELECT id FROM item WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE),
       gone AS (DELETE FROM item i USING locked WHERE i.id = locked.id RETURNING i.id, i.content_hash AS hash, i.modality, i.pair_id AS pair),
       noted AS (INSERT INTO vectors.item_change (item_id, kind) SELECT id, 'DELETED' FROM gone)
     SELECT * FROM gone`,
    values: ['{$item}'],
  },
  {
    text: 'DELETE FROM pair p WHERE id = ANY($1::uuid[]) AND NOT EXISTS (SELECT 1 FROM item i WHERE i.pair_id = p.id)',
    values: ['{$pair}'],
  },
];
