import { setTimeout } from 'node:timers/promises';
import type pg from 'pg';
import { NO_POSITION, type WalPosition } from '../../domain/wal-position.js';
import type { PositionHistory } from './position-history.js';
import { destroy, ServerProbe, type ServerState } from './server-probe.js';

/** Time between two looks at what a replica has replayed, while requests wait for it. */
const POLL_MS = 5;

/** `usable`: requests read there. The others are left out until a check finds them usable. */
export type ReplicaState =
  | { readonly kind: 'usable' | 'lagging'; readonly lagMs: number }
  | { readonly kind: 'unreachable'; readonly reason: string }
  /** It answers, and does not replay the log of this primary. */
  | { readonly kind: 'foreign'; readonly reason: string };

interface Waiter {
  readonly position: WalPosition;
  readonly done: (reached: boolean) => void;
}

/** One replica. */
export class Replica {
  state: ReplicaState = { kind: 'lagging', lagMs: Number.POSITIVE_INFINITY };
  /** It has replayed the log up to here, and maybe further. */
  replayed: WalPosition = NO_POSITION;
  private readonly probe: ServerProbe;
  private readonly clients = new Set<pg.PoolClient>();
  private readonly waiters = new Set<Waiter>();
  private polling = false;

  /** @param name host and port, for people */
  constructor(
    readonly name: string,
    url: string,
    readonly pool: pg.Pool,
    private readonly limits: { readonly lagMs: number; readonly answerMs: number },
  ) {
    this.probe = new ServerProbe(url, limits.answerMs, (error) => this.lose(error));
    pool.on('connect', (client) => this.clients.add(client));
    pool.on('remove', (client) => this.clients.delete(client));
  }

  get isUsable(): boolean {
    return this.state.kind === 'usable';
  }

  /** Asks the replica where it is. It does not fail. @param primary null if the primary did not answer */
  async check(history: PositionHistory, primary: Omit<ServerState, 'position'> | null): Promise<void> {
    try {
      const found = await this.probe.state();
      const reason = primary === null ? null : foreignReason(found, primary);
      if (reason !== null) {
        this.state = { kind: 'foreign', reason };
        return;
      }
      this.replayed = found.position;
      const lagMs = history.lagOf(found.position, performance.now());
      this.state = { kind: lagMs <= this.limits.lagMs ? 'usable' : 'lagging', lagMs };
    } catch (error) {
      this.lose(error);
    }
  }

  /** Leaves the replica out until a check finds it again. */
  leaveOut(error: unknown): void {
    this.state = { kind: 'unreachable', reason: reasonOf(error) };
    // After a restart it can be at an earlier position.
    this.replayed = NO_POSITION;
  }

  /** Where it is now. @throws an error of the connection */
  async position(): Promise<WalPosition> {
    this.replayed = await this.probe.position();
    return this.replayed;
  }

  /** Whether it replays the position within a time, or before the signal is aborted. */
  async reaches(position: WalPosition, signal: AbortSignal): Promise<boolean> {
    if (this.replayed >= position) return true;
    return await new Promise<boolean>((resolve) => {
      const waiter: Waiter = {
        position,
        done: (reached) => {
          this.waiters.delete(waiter);
          signal.removeEventListener('abort', stop);
          resolve(reached);
        },
      };
      const stop = () => waiter.done(false);
      this.waiters.add(waiter);
      signal.addEventListener('abort', stop, { once: true });
      if (signal.aborted) stop();
      void this.poll();
    });
  }

  async close(): Promise<void> {
    for (const waiter of this.waiters) waiter.done(false);
    await Promise.all([this.probe.close(), this.pool.end()]);
  }

  /** Looks until no request waits. All that wait share the looks. */
  private async poll(): Promise<void> {
    if (this.polling) return;
    this.polling = true;
    try {
      while (this.waiters.size > 0) {
        const replayed = await this.position();
        for (const waiter of this.waiters) if (replayed >= waiter.position) waiter.done(true);
        if (this.waiters.size > 0) await setTimeout(POLL_MS);
      }
    } catch (error) {
      this.lose(error);
    } finally {
      this.polling = false;
    }
  }

  /** Leaves out a replica that does not answer. Its running statements fail at once, because their connections may stay open for long. */
  private lose(error: unknown): void {
    this.leaveOut(error);
    for (const client of this.clients) destroy(client);
    for (const waiter of this.waiters) waiter.done(false);
  }
}

function reasonOf(error: unknown): string {
  // Node combines failed attempts at several addresses of one host into an error without a message.
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(', ');
  return error instanceof Error ? error.message : String(error);
}

function foreignReason(
  replica: Omit<ServerState, 'position'>,
  primary: Omit<ServerState, 'position'>,
): string | null {
  if (replica.system !== primary.system) return 'it belongs to another primary';
  if (replica.database !== primary.database) return `its address names the database ${replica.database}`;
  return replica.isReplica
    ? null
    : 'it does not replay the log of a primary: it was promoted, or never was a replica';
}
