import pg from 'pg';
import { readLsn, type WalPosition } from '../../domain/wal-position.js';

/** A server of a cluster at one moment. */
export interface ServerState {
  /** Whether it replays the log of another server. */
  readonly isReplica: boolean;
  /** The end of its log: of what it has written, or of what it has replayed. */
  readonly position: WalPosition;
  /** The same for a primary and its replicas, and for no other server. */
  readonly system: string;
  readonly database: string;
}

/** The end of the log with what is not written to disk yet, because a commit need not wait for that (synchronous_commit). */
const POSITION = `CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END::text AS position`;
const STATE = `pg_is_in_recovery() AS "isReplica", current_database()::text AS database,
  (SELECT system_identifier::text FROM pg_control_system()) AS system`;

interface StateRow {
  readonly position: string;
  readonly isReplica: boolean;
  readonly database: string;
  readonly system: string;
}

/**
 * Asks a server for its position, on a connection of its own: those of the pool may all be in use. It asks one question at a time, and all who want
 * the position before it asks for it again share the answer.
 */
export class ServerProbe {
  private client: Promise<pg.Client> | null = null;
  private last: Promise<unknown> = Promise.resolve();
  private nextPosition: Promise<WalPosition> | null = null;
  private isClosed = false;

  /**
   * @param answerMs how long a connection or an answer may take, in milliseconds
   * @param onLost called when the connection is lost between two questions
   */
  constructor(
    private readonly url: string,
    private readonly answerMs: number,
    private readonly onLost: (error: Error) => void = () => {},
  ) {}

  /** @throws an error of the connection, or one of the driver after the time limit */
  async state(): Promise<ServerState> {
    const row = await this.inTurn(() => this.ask<StateRow>(`SELECT ${POSITION}, ${STATE}`));
    return { ...row, position: readLsn(row.position) };
  }

  /** @throws as `state` */
  position(): Promise<WalPosition> {
    this.nextPosition ??= this.inTurn(async () => {
      // The position of later callers is not in this answer.
      this.nextPosition = null;
      return readLsn((await this.ask<Pick<StateRow, 'position'>>(`SELECT ${POSITION}`)).position);
    });
    return this.nextPosition;
  }

  async close(): Promise<void> {
    this.isClosed = true;
    const { client } = this;
    this.client = null;
    await client?.then((open) => open.end()).catch(() => {});
  }

  private inTurn<T>(question: () => Promise<T>): Promise<T> {
    const answer = this.last.then(question);
    this.last = answer.catch(() => {});
    return answer;
  }

  private async ask<Row extends pg.QueryResultRow>(text: string): Promise<Row> {
    if (this.isClosed) throw new Error('the connection is closed');
    const connecting = this.client ?? this.connect();
    this.client = connecting;
    try {
      const [row] = (await (await connecting).query<Row>(text)).rows;
      if (row === undefined) throw new Error('no row');
      return row;
    } catch (error) {
      if (this.client === connecting) this.client = null;
      // A server that does not answer cannot close the connection in good order.
      connecting.then(destroy, () => {});
      throw error;
    }
  }

  private async connect(): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: this.url,
      connectionTimeoutMillis: this.answerMs,
      query_timeout: this.answerMs,
      application_name: 'commonspace replicas',
      keepAlive: true,
    });
    let lost = new Error('the connection was closed');
    client.on('error', (error) => {
      lost = error;
    });
    await client.connect();
    const connected = this.client;
    client.on('end', () => {
      if (connected === null || this.client !== connected) return;
      this.client = null;
      this.onLost(lost);
    });
    return client;
  }
}

/** Closes the socket at once, so that running statements fail. */
export function destroy(client: pg.ClientBase): void {
  // The driver does not declare it.
  const { connection } = client as unknown as {
    readonly connection: { readonly stream: { destroy(): void } };
  };
  connection.stream.destroy();
}
