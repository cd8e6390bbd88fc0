/**
 * The rows of an archive as lines of JSON; docs/archive.md describes them. Postgres writes and reads the JSON, so that no value passes through
 * JavaScript: a number in metadata keeps all its digits. The two halves of each table stand together.
 */

/** A table whose rows are read by ascending key, a page by a statement. */
interface LineTable {
  /** Sorts before every key. */
  readonly first: string;
  /** `$1`: the key of the last row before. Gives `key` and `line`. An item has at most some 100 kB, and so its pages have few rows. */
  readonly page: string;
  /** The columns of a line, for `jsonb_to_recordset`. */
  readonly columns: string;
}

const NIL = '00000000-0000-0000-0000-000000000000';

/** The states of encoders that an archive has: those of trained ones. Others are work in progress, which belongs to the folder of its server. */
export const ARCHIVED = `state IN ('ready', 'active', 'retired') AND removed_at IS NULL`;

export const LINES = {
  pictures: {
    first: '',
    page: page(
      `SELECT sha256 AS key, sha256, media_type AS "mediaType", width, height, bytes, created_at AS "createdAt", uploaded_at AS "uploadedAt"
       FROM media WHERE sha256 > $1`,
      2000,
    ),
    columns: `sha256 text, "mediaType" text, width int, height int, bytes int, "createdAt" timestamptz, "uploadedAt" timestamptz`,
  },
  classes: {
    first: NIL,
    page: page(
      `SELECT id AS key, id, name, description, created_at AS "createdAt" FROM class WHERE id > $1::uuid`,
      2000,
    ),
    columns: `id uuid, name text, description text, "createdAt" timestamptz`,
  },
  items: {
    first: NIL,
    page: page(
      `SELECT i.id AS key, i.id, i.modality, i.external_id AS "externalId", i.title, i.text, i.language, i.content_hash AS "contentHash",
         i.media_type AS "mediaType", i.width, i.height, i.perceptual_hash::text AS "perceptualHash",
         encode(i.perceptual_detail, 'hex') AS "perceptualDetail", i.metadata,
         CASE WHEN p.id IS NOT NULL THEN json_build_object('id', p.id, 'key', p.key, 'createdAt', p.created_at) END AS pair,
         ARRAY(SELECT c.name FROM item_class ic JOIN class c ON c.id = ic.class_id WHERE ic.item_id = i.id AND ic.home = i.home ORDER BY c.name) AS classes,
         i.created_at AS "createdAt", i.updated_at AS "updatedAt"
       FROM item i LEFT JOIN pair p ON p.id = i.pair_id AND p.home = i.home WHERE i.id > $1::uuid`,
      100,
    ),
    columns: `id uuid, modality modality, "externalId" text, title text, text text, language text, "contentHash" text, "mediaType" text,
      width int, height int, "perceptualHash" bigint, "perceptualDetail" text, metadata jsonb, pair jsonb, classes text[],
      "createdAt" timestamptz, "updatedAt" timestamptz`,
  },
  encoders: {
    first: NIL,
    page: page(
      `SELECT e.id AS key, e.id, e.state, e.dimension, e.image_extractor AS "imageExtractor", e.text_extractor AS "textExtractor", e.config,
         e.report, e.request, e.created_at AS "createdAt", e.started_at AS "startedAt", e.finished_at AS "finishedAt",
         e.activated_at AS "activatedAt", e.retired_at AS "retiredAt",
         (SELECT row_to_json(v) FROM (
            SELECT state, record, failure, started_at AS "startedAt", finished_at AS "finishedAt"
            FROM encoder_evaluation WHERE encoder_id = e.id AND state <> 'running') v) AS evaluation
       FROM encoder e WHERE e.id > $1::uuid AND ${ARCHIVED}`,
      1,
    ),
    columns: `id uuid, state encoder_state, dimension int, "imageExtractor" text, "textExtractor" text, config jsonb, report jsonb,
      request jsonb, "createdAt" timestamptz, "startedAt" timestamptz, "finishedAt" timestamptz, "activatedAt" timestamptz,
      "retiredAt" timestamptz, evaluation jsonb`,
  },
} as const satisfies Record<string, LineTable>;

export type LineKind = keyof typeof LINES;

/** Lines as a table `r`: the parameter is a JSON array of them. */
export function linesAs(kind: LineKind, parameter = '$1'): string {
  return `jsonb_to_recordset(${parameter}::jsonb) AS r (${LINES[kind].columns})`;
}

function page(select: string, rows: number): string {
  return `SELECT r.key::text AS key, (to_jsonb(r) - 'key')::text AS line FROM (${select} ORDER BY 1 LIMIT ${rows}) r ORDER BY r.key`;
}
