import pg from 'pg';
import { CommonspaceError } from '../../domain/errors.js';
import { observe } from '../../domain/observations.js';
import { currentRequest, type RequestWork, throwIfRequestCancelled } from '../../platform/request-work.js';

/** Time limits of the statements of requests, in milliseconds. Other work has no limit. */
export interface TimeLimits {
  /** Of a statement that reads: a search, a page, a count. */
  readonly readMs: number;
  /** Of a statement within a transaction. It includes the time that it waits for locks. */
  readonly writeMs: number;
  /** Of the wait for a free connection. */
  readonly waitMs: number;
}

export const SERVER_LIMITS: TimeLimits = { readMs: 30_000, writeMs: 60_000, waitMs: 5_000 };

/** The embedded database has one connection, which an index build occupies for up to 40 s. It ignores statement_timeout. */
export const EMBEDDED_LIMITS: TimeLimits = { ...SERVER_LIMITS, waitMs: 60_000 };

/** What the pool says when no connection became free in time. */
const WAIT_ENDED = 'timeout exceeded when trying to connect';

/**
 * Runs a statement of the current request on another pool, or else by `here`; null where it is to run here. It is a statement of its own, not one
 * of a transaction.
 */
export type ReadElsewhere = <T>(
  elsewhere: (pool: pg.Pool) => Promise<T>,
  here: () => Promise<T>,
) => Promise<T> | null;

type Connected = (error: Error | undefined, client: pg.PoolClient | undefined, done: () => void) => void;

type Query = (this: pg.Pool, ...statement: unknown[]) => Promise<unknown>;

/**
 * A pool that knows what each connection is used for. Statements of a request have a time limit, and end when its caller
 * disconnects; other work waits for a connection as long as it takes.
 */
export class WorkPool extends pg.Pool {
  /** The statement_timeout that each connection has now. */
  private readonly timeouts = new WeakMap<pg.PoolClient, number>();
  /** Set where there are replicas. */
  readElsewhere: ReadElsewhere | null = null;

  constructor(
    private readonly kind: 'embedded' | 'server',
    private readonly config: pg.PoolConfig,
    private readonly limits: Pick<TimeLimits, 'readMs' | 'waitMs'>,
  ) {
    super({ ...config, connectionTimeoutMillis: limits.waitMs });
  }

  /** Prisma's statements come here too. `never` fits all of the forms that the driver declares. */
  override query(...statement: unknown[]): never {
    const here = () => (super.query as Query).apply(this, statement);
    const elsewhere = (pool: pg.Pool) => (pool.query as Query).apply(pool, statement);
    const hasCallback = typeof statement.at(-1) === 'function';
    return ((hasCallback ? null : this.readElsewhere?.(elsewhere, here)) ?? here()) as never;
  }

  /** @throws CommonspaceError BUSY, CANCELLED; as a rejection, or by the callback as `pg` passes errors. */
  override connect(): Promise<pg.PoolClient>;
  override connect(callback: Connected): void;
  override connect(callback?: Connected): Promise<pg.PoolClient> | undefined {
    const connected = this.checkOut(currentRequest());
    if (callback === undefined) return connected;
    connected.then(
      (client) => callback(undefined, client, () => client.release()),
      (error: Error) => callback(error, undefined, () => {}),
    );
    return undefined;
  }

  private async checkOut(request: RequestWork | null): Promise<pg.PoolClient> {
    throwIfRequestCancelled();
    // A transaction, which may write. What follows must see it.
    if (this.readElsewhere !== null && request?.reads) request.reads.usesPrimary = true;
    const signal = request?.signal ?? null;
    const client = await unlessAborted(this.waitFor(request), signal);
    if (this.kind === 'embedded') return client;
    try {
      await this.limit(client, request === null ? 0 : this.limits.readMs);
    } catch (error) {
      client.release(true);
      throw error;
    }
    if (signal !== null) this.cancelOnAbort(client, signal);
    return client;
  }

  private async waitFor(request: RequestWork | null): Promise<pg.PoolClient> {
    for (;;) {
      try {
        return await super.connect();
      } catch (error) {
        if (!(error instanceof Error) || error.message !== WAIT_ENDED) throw error;
        if (request === null) continue;
        observe({ kind: 'refusal', reason: 'connections' });
        const message = 'All connections to the database are in use. Try again later.';
        throw new CommonspaceError('BUSY', message, [], { cause: error });
      }
    }
  }

  private async limit(client: pg.PoolClient, ms: number): Promise<void> {
    if (this.timeouts.get(client) === ms) return;
    await client.query(`SET statement_timeout = ${ms}`);
    this.timeouts.set(client, ms);
  }

  /** Until the client is released. Then the connection is closed, so that the cancellation cannot end another's statement. */
  private cancelOnAbort(client: pg.PoolClient, signal: AbortSignal): void {
    const cancel = () => void this.cancel(client).catch(() => {});
    const release = client.release;
    client.release = (error) => {
      signal.removeEventListener('abort', cancel);
      release.call(client, signal.aborted ? true : error);
    };
    signal.addEventListener('abort', cancel, { once: true });
    if (signal.aborted) cancel();
  }

  /** Ends the statement that the client runs, by a connection of its own: those of the pool may all be in use. */
  private async cancel(client: pg.PoolClient): Promise<void> {
    // The driver does not declare it.
    const { processID } = client as unknown as { readonly processID: number | null };
    const other = new pg.Client(this.config);
    other.on('error', () => {});
    try {
      await other.connect();
      await other.query('SELECT pg_cancel_backend($1::int)', [processID]);
    } finally {
      await other.end().catch(() => {});
    }
  }
}

/** The client, unless the signal is aborted first: then it returns to the pool as soon as it arrives. */
async function unlessAborted(
  arriving: Promise<pg.PoolClient>,
  signal: AbortSignal | null,
): Promise<pg.PoolClient> {
  if (signal === null) return await arriving;
  let abort = () => {};
  const aborted = new Promise<'aborted'>((resolve) => {
    abort = () => resolve('aborted');
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    const first = await Promise.race([arriving, aborted]);
    if (first !== 'aborted') return first;
  } finally {
    signal.removeEventListener('abort', abort);
  }
  arriving.then(
    (client) => client.release(),
    () => {},
  );
  throw new CommonspaceError('CANCELLED', 'The call was cancelled.', [], { cause: signal.reason });
}
