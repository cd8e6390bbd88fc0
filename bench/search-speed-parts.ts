import pg from 'pg';
import { openApp } from '../src/compose.js';
import { readConfig } from '../src/config.js';
import { EVIDENCES } from '../src/domain/evidence.js';
import { createFeatureExtractors } from '../src/features/create-feature-extractors.js';
import { p50Of } from './search-speed-measure.js';

interface Statement {
  readonly name?: string;
  readonly text: string;
  readonly values: unknown[];
}

/** What a text search consists of, p50 in ms of one search after another. */
export interface TextParts {
  /** Of the query's features; the embedding by the encoder takes a tenth of a millisecond. */
  readonly extraction: number;
  /** All statements of the search, one after another through `pg` alone, prepared as the server prepares them. */
  readonly sql: number;
  readonly statements: number;
}

/** Records the statements of text searches in this process, then runs them through `pg` alone. */
export async function textParts(
  databaseUrl: string,
  dataDir: string,
  texts: readonly string[],
): Promise<TextParts> {
  const searches = await recorded(databaseUrl, dataDir, texts);
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query(SETTINGS);
    const run = async (statements: readonly Statement[]) => {
      for (const { name, text, values } of statements)
        await client.query({ text, values, ...(name !== undefined && { name }) });
    };
    return {
      extraction: await extractionTime(texts),
      sql: await p50Of(searches, run),
      statements: Math.max(...searches.map(({ length }) => length)),
    };
  } finally {
    await client.end();
  }
}

// As those of the server's connections (src/catalog/postgres/database.ts).
const SETTINGS =
  'SET hnsw.iterative_scan = relaxed_order; SET hnsw.ef_search = 100; SET pg_trgm.similarity_threshold = 0.4';

async function recorded(databaseUrl: string, dataDir: string, texts: readonly string[]) {
  const { query } = pg.Pool.prototype;
  const app = await openApp(readConfig({ dataDir }, { DATABASE_URL: databaseUrl }), console.error);
  let statements: Statement[] = [];
  pg.Pool.prototype.query = function (this: pg.Pool, statement: Statement) {
    statements.push(statement);
    return Reflect.apply(query, this, [statement]);
  } as typeof query;
  try {
    const searches: Statement[][] = [];
    for (const text of texts) {
      statements = [];
      const query = { text };
      await app.search.search({
        query,
        target: 'IMAGE',
        by: EVIDENCES,
        filter: null,
        first: 20,
        after: null,
        minScore: null,
      });
      searches.push(statements);
    }
    return searches;
  } finally {
    pg.Pool.prototype.query = query;
    await app.close();
  }
}

async function extractionTime(texts: readonly string[]): Promise<number> {
  const features = await createFeatureExtractors({ image: 'default' });
  try {
    return await p50Of(texts, async (text) => {
      await features.extractTexts([text]);
    });
  } finally {
    await features.close();
  }
}
