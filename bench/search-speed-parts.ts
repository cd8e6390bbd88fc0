import pg from 'pg';
import { openApp } from '../src/compose.js';
import { readConfig } from '../src/config.js';
import { EVIDENCES, type Evidence } from '../src/domain/evidence.js';
import { createFeatureExtractors } from '../src/features/create-feature-extractors.js';
import type { App } from '../src/services/app.js';
import { p50Of } from './search-speed-measure.js';

type Query = { readonly text: string } | { readonly vector: readonly number[] };

interface Statement {
  readonly name?: string;
  readonly text: string;
  readonly values: unknown[];
}

/** What a search consists of, p50 in ms of one search after another. */
export interface SearchParts {
  /** Of the features of a text; 0 for a vector. The embedding by the encoder takes a tenth of a millisecond. */
  readonly extraction: number;
  /** All statements of the search, one after another through `pg` alone, prepared as the server prepares them. */
  readonly sql: number;
  /** In the median. */
  readonly statements: number;
}

/** Records the statements of searches in this process, then runs them through `pg` alone. */
export async function searchParts(
  databaseUrl: string,
  dataDir: string,
  queries: readonly Query[],
): Promise<SearchParts> {
  const app = await openApp(readConfig({ dataDir }, { DATABASE_URL: databaseUrl }), console.error);
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query(SETTINGS);
    const searches = await recorded(app, queries);
    const texts = queries.flatMap((query) => ('text' in query ? [query.text] : []));
    return {
      extraction: texts.length === 0 ? 0 : await extractionTime(texts),
      sql: await p50Of(searches, async (statements) => {
        for (const { name, text, values } of statements)
          await client.query({ text, values, ...(name !== undefined && { name }) });
      }),
      statements: searches.map(({ length }) => length).sort((a, b) => a - b)[searches.length >> 1] ?? 0,
    };
  } finally {
    await client.end();
    await app.close();
  }
}

// As those of the server's connections (src/catalog/postgres/database.ts).
const SETTINGS =
  'SET hnsw.iterative_scan = relaxed_order; SET hnsw.ef_search = 100; SET pg_trgm.similarity_threshold = 0.4';

async function recorded(app: App, queries: readonly Query[]): Promise<Statement[][]> {
  const { query: send } = pg.Pool.prototype;
  let statements: Statement[] = [];
  pg.Pool.prototype.query = function (this: pg.Pool, statement: Statement) {
    statements.push(statement);
    return Reflect.apply(send, this, [statement]);
  } as typeof send;
  const page = { target: 'IMAGE', filter: null, first: 20, after: null, minScore: null } as const;
  try {
    const searches: Statement[][] = [];
    for (const query of queries) {
      statements = [];
      const by: readonly Evidence[] = 'text' in query ? EVIDENCES : ['CONTENT'];
      await app.search.search({ ...page, query, by });
      searches.push(statements);
    }
    return searches;
  } finally {
    pg.Pool.prototype.query = send;
  }
}

async function extractionTime(texts: readonly string[]): Promise<number> {
  const features = await createFeatureExtractors({ image: 'default' });
  try {
    return await p50Of(texts, async (text) => {
      await features.text.extract([text]);
    });
  } finally {
    await features.close();
  }
}
