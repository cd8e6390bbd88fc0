// Our binary codec against pgvector's text: bulk inserts and reads in rows/s, and the p50 of a search by either kind of
// parameter at the demo's size. node bench/vector-codec.mjs [DATABASE_URL]   (after `npm run build`; without the address, on
// the embedded database). Both ways take turns, so that load on the machine meets both; the figures are medians.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromSql, toSql } from 'pgvector';
import { v7 as uuidv7 } from 'uuid';
import { connect } from '../dist/catalog/postgres/connect.js';
import {
  CHUNK_FLOATS,
  decodeVectors,
  encodeUuidArray,
  encodeVector,
  encodeVectorArray,
} from '../dist/catalog/vectors/vector-codec.js';
import { unit } from '../dist/domain/vectors.js';

const databaseUrl = process.argv[2] ?? null;
const ROUNDS = 7;
const SEARCHES = 150;
/** Rows to insert, and rows to search: those of the demo's images in the common space, and of its texts' features. */
const SIZES = [
  { dimension: 64, rows: 16_384, searched: 3272 },
  { dimension: 1024, rows: 1024, searched: 1636 },
];

const dataDir = await mkdtemp(join(tmpdir(), 'commonspace-codec-'));
const db = await connect(databaseUrl === null ? { dataDir } : { databaseUrl });
const [{ oid }] = await db.run(`SELECT 'vector'::regtype::oid::int AS oid`);
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const random = (dimension) => unit(new Float32Array(dimension).map(() => Math.random() - 0.5));
async function timed(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

const results = [];
for (const { dimension, rows, searched } of SIZES) {
  const vectors = Array.from({ length: rows }, () => random(dimension));
  const ids = vectors.map(() => uuidv7());
  const atOnce = Math.floor(CHUNK_FLOATS / dimension);
  const create = async () => {
    await db.runOnce('DROP TABLE IF EXISTS codec_bench');
    await db.runOnce(
      'CREATE TABLE codec_bench (id uuid PRIMARY KEY, vec vector) WITH (toast_tuple_target = 8160)',
    );
  };
  const insert = async (sql, encodeIds, encodeVectors) => {
    for (let start = 0; start < rows; start += atOnce) {
      const end = start + atOnce;
      await db.run(sql, [encodeIds(ids.slice(start, end)), encodeVectors(vectors.slice(start, end))]);
    }
  };
  const ways = {
    insertBinary: () =>
      insert(
        'INSERT INTO codec_bench SELECT * FROM unnest($1::uuid[], $2::vector[])',
        encodeUuidArray,
        (part) => encodeVectorArray(oid, part),
      ),
    insertText: () =>
      insert(
        'INSERT INTO codec_bench SELECT id, vec::vector FROM unnest($1::uuid[], $2::text[]) AS u (id, vec)',
        encodeUuidArray,
        (part) => part.map((vector) => toSql([...vector])),
      ),
    readBinary: async () => {
      const [row] = await db.run(`SELECT string_agg(vector_send(vec), '') AS vectors FROM codec_bench`);
      decodeVectors(row.vectors);
    },
    readText: async () => {
      for (const row of await db.run('SELECT vec::text AS vec FROM codec_bench'))
        Float32Array.from(fromSql(row.vec));
    },
  };
  const times = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const kind of ['Binary', 'Text']) {
      await create();
      times[`insert${kind}`].push(await timed(ways[`insert${kind}`]));
      times[`read${kind}`].push(await timed(ways[`read${kind}`]));
    }
  }
  await create();
  const held = Array.from({ length: searched }, () => random(dimension));
  for (let start = 0; start < searched; start += atOnce) {
    const part = held.slice(start, start + atOnce);
    await db.run('INSERT INTO codec_bench SELECT * FROM unnest($1::uuid[], $2::vector[])', [
      encodeUuidArray(part.map(() => uuidv7())),
      encodeVectorArray(oid, part),
    ]);
  }
  await db.runOnce('VACUUM ANALYZE codec_bench');
  const search = (parameter) =>
    db.run(
      `SELECT id, d FROM (SELECT id, vec <#> $1::vector AS d FROM codec_bench) s ORDER BY d, id LIMIT 200`,
      [parameter],
    );
  const searches = { searchBinary: [], searchText: [] };
  for (let i = 0; i < SEARCHES; i += 1) {
    const query = random(dimension);
    const binary = await timed(() => search(encodeVector(query)));
    const text = await timed(() => search(toSql([...query])));
    if (i < 20) continue;
    searches.searchBinary.push(binary);
    searches.searchText.push(text);
  }
  const perSecond = (name) => Math.round((rows / median(times[name])) * 1000);
  const figures = {
    insertBinary: perSecond('insertBinary'),
    insertText: perSecond('insertText'),
    readBinary: perSecond('readBinary'),
    readText: perSecond('readText'),
    searchBinary: Number(median(searches.searchBinary).toFixed(2)),
    searchText: Number(median(searches.searchText).toFixed(2)),
  };
  results.push({ database: db.kind, dimension, ...figures });
  await db.runOnce('DROP TABLE codec_bench');
}
console.table(results);
await db.close();
await rm(dataDir, { recursive: true, force: true });
await mkdir('bench/results', { recursive: true });
await writeFile(`bench/results/vector-codec-${db.kind}.json`, JSON.stringify(results, null, 2));
