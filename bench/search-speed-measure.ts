import { Agent, request } from 'node:http';
import pg from 'pg';
import { encodeVector } from '../src/catalog/vectors/vector-codec.js';
import { embeddingPartition } from '../src/catalog/vectors/vector-partitions.js';

const WARM_UP = 15;
const ONE_CLIENT = 120;
const CLIENTS = 8;
const EIGHT_CLIENTS = 400;

export interface Timing {
  /** Of one client, ms. */
  readonly p50: number;
  readonly p95: number;
  /** Requests a second. */
  readonly one: number;
  readonly eight: number;
}

/** Calls with numbers from 0 on: first one after another, then eight at a time. */
export async function time(call: (n: number) => Promise<unknown>): Promise<Timing> {
  for (let n = 0; n < WARM_UP; n += 1) await call(n);
  const times: number[] = [];
  for (let n = 0; n < ONE_CLIENT; n += 1) {
    const start = performance.now();
    await call(WARM_UP + n);
    times.push(performance.now() - start);
  }
  let next = WARM_UP + ONE_CLIENT;
  const last = next + EIGHT_CLIENTS;
  const start = performance.now();
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      while (next < last) await call(next++);
    }),
  );
  const seconds = (performance.now() - start) / 1000;
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
  const sum = times.reduce((total, ms) => total + ms, 0);
  return { p50: at(0.5), p95: at(0.95), one: (1000 * times.length) / sum, eight: EIGHT_CLIENTS / seconds };
}

/** The median time of a call, in ms, one call after another; the first ones are left out. */
export async function p50Of<T>(values: readonly T[], call: (value: T) => Promise<void>): Promise<number> {
  const times: number[] = [];
  for (const value of values) {
    const start = performance.now();
    await call(value);
    times.push(performance.now() - start);
  }
  return times.slice(WARM_UP).sort((a, b) => a - b)[(times.length - WARM_UP) >> 1] ?? Number.NaN;
}

/** A GraphQL client with keep-alive. @throws Error if an answer has errors. */
export class Http {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });

  constructor(private readonly address: string) {}

  async ask(query: string, variables: object): Promise<Record<string, unknown>> {
    const body = JSON.stringify({ query, variables });
    const answer = await new Promise<{ data?: Record<string, unknown>; errors?: unknown }>(
      (resolve, reject) => {
        const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
        request(
          `${this.address}/graphql`,
          { method: 'POST', agent: this.agent, headers },
          async (response) => {
            const chunks: Buffer[] = [];
            for await (const chunk of response) chunks.push(chunk as Buffer);
            resolve(JSON.parse(Buffer.concat(chunks).toString()));
          },
        )
          .on('error', reject)
          .end(body);
      },
    );
    if (answer.data === undefined || answer.errors !== undefined) {
      throw new Error(JSON.stringify(answer).slice(0, 500));
    }
    return answer.data;
  }

  close(): void {
    this.agent.destroy();
  }
}

/** The same searches in SQL through `pg` alone: prepared, with binary vectors. */
export class BareSql {
  private constructor(
    private readonly pool: pg.Pool,
    private readonly table: string,
    private readonly type: string,
  ) {}

  static async open(databaseUrl: string, encoderId: string, dimension: number): Promise<BareSql> {
    const pool = new pg.Pool({
      connectionString: databaseUrl,
      max: CLIENTS,
      onConnect: async (client) => {
        await client.query(`SET hnsw.iterative_scan = relaxed_order; SET hnsw.ef_search = 100`);
      },
    });
    return new BareSql(pool, embeddingPartition(encoderId, 'IMAGE'), `halfvec(${dimension})`);
  }

  async nearest(vector: Float32Array, bucket: number | null): Promise<string[]> {
    const where =
      bucket === null ? '' : 'WHERE (SELECT i.metadata @> $2::jsonb FROM item i WHERE i.id = v.item_id)';
    const values = bucket === null ? [] : [JSON.stringify({ bucket })];
    return await this.ids(
      `SELECT item_id AS id FROM ${this.table} v ${where}
       ORDER BY (v.vec::${this.type}) <#> $1::vector::${this.type} LIMIT 20`,
      [encodeVector(vector), ...values],
      `nearest ${bucket !== null}`,
    );
  }

  /** Ids of the 10 nearest, comparing every row. */
  async exact(vector: Float32Array, bucket: number | null): Promise<string[]> {
    const join = bucket === null ? '' : 'JOIN item i ON i.id = v.item_id WHERE i.metadata @> $2::jsonb';
    return await this.ids(
      `SELECT v.item_id AS id FROM ${this.table} v ${join} ORDER BY v.vec <#> $1::vector, v.item_id LIMIT 10`,
      [encodeVector(vector), ...(bucket === null ? [] : [JSON.stringify({ bucket })])],
    );
  }

  async items(): Promise<string[]> {
    return await this.ids('SELECT * FROM item ORDER BY id LIMIT 21', [], 'items');
  }

  async close(): Promise<void> {
    await this.pool.end();
  }

  private async ids(text: string, values: unknown[], name?: string): Promise<string[]> {
    const { rows } = await this.pool.query<{ id: string }>({ text, values, ...(name && { name }) });
    return rows.map((row) => row.id);
  }
}
