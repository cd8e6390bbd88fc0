import type pg from 'pg';
import { CommonspaceError } from '../../domain/errors.js';
import type { WalPosition } from '../../domain/wal-position.js';
import { currentRequest, outsideRequest, type ReplicaReads } from '../../platform/request-work.js';
import { isConnectionError, type ReportConnectionError } from './lost-connection.js';
import { PositionHistory } from './position-history.js';
import type { Replica, ReplicaState } from './replica.js';
import { ServerProbe, type ServerState } from './server-probe.js';

/** In milliseconds. */
export interface ReplicaLimits {
  /** A replica that lags by more is left out. */
  readonly lagMs: number;
  /** Between two checks. */
  readonly checkMs: number;
  /** How long the answer to a check may take. */
  readonly answerMs: number;
  /** How long a read waits until a replica has replayed what it must see. Then the primary answers it. */
  readonly waitMs: number;
}

export const REPLICA_LIMITS: ReplicaLimits = { lagMs: 10_000, checkMs: 1_000, answerMs: 2_000, waitMs: 500 };

/** How long the replica whose turn it is may take to reach a position that another one has reached. */
const TURN_MS = 20;

/** A replica as a check has found it. */
export interface ReplicaReport {
  /** Host and port. */
  readonly name: string;
  readonly state: ReplicaState;
}

/**
 * The replicas of the database. All statements of a request that only reads are sent to one of them, so that the request sees one history.
 * A statement that fails there is repeated on the primary, with all that follow.
 */
export class Replicas {
  private readonly history: PositionHistory;
  private readonly primary: ServerProbe;
  private readonly choices = new WeakMap<ReplicaReads, Promise<Replica | null>>();
  private lastSeen: ServerState | null = null;
  private checking: Promise<void> | null = null;
  private timer: NodeJS.Timeout | null = null;
  private turn = 0;

  constructor(
    primaryUrl: string,
    private readonly replicas: readonly Replica[],
    private readonly limits: ReplicaLimits,
    private readonly report: ReportConnectionError,
  ) {
    this.history = new PositionHistory(4 * limits.lagMs);
    this.primary = new ServerProbe(primaryUrl, limits.answerMs);
  }

  /** Checks the replicas now and from then on. Until they are found usable, the primary answers. */
  start(): void {
    const check = () => void outsideRequest(() => this.check());
    this.timer = setInterval(check, this.limits.checkMs).unref();
    check();
  }

  /** Asks the primary and all replicas where they are; all callers share a check that runs. It does not fail. */
  check(): Promise<void> {
    this.checking ??= this.checkAll().finally(() => {
      this.checking = null;
    });
    return this.checking;
  }

  /** After this time a replica in use has replayed a write, in milliseconds. */
  get settledMs(): number {
    const { lagMs, checkMs, answerMs } = this.limits;
    // A lag is measured too low by the time between two checks, and holds until the next one.
    return lagMs + 2 * (checkMs + answerMs);
  }

  get reports(): readonly ReplicaReport[] {
    return this.replicas.map(({ name, state }) => ({ name, state }));
  }

  /** The end of the primary's log: all that was committed before the call is before it. @throws an error of the connection */
  position(): Promise<WalPosition> {
    return this.primary.position();
  }

  /**
   * What a request may have seen: where the log of the server that answered it is now. Null if it has read nothing.
   *
   * @throws an error of the connection
   */
  async seen(reads: ReplicaReads): Promise<WalPosition | null> {
    if (reads.usesPrimary) return await this.primary.position();
    const replica = await this.choices.get(reads);
    return replica ? await replica.position() : null;
  }

  /** Runs a statement of the current request on its replica; null where the primary is to run it. */
  readElsewhere = <T>(
    statement: (pool: pg.Pool) => Promise<T>,
    onPrimary: () => Promise<T>,
  ): Promise<T> | null => {
    const reads = currentRequest()?.reads ?? null;
    if (reads === null || reads.usesPrimary) return null;
    return this.read(reads, statement, onPrimary);
  };

  async close(): Promise<void> {
    if (this.timer !== null) clearInterval(this.timer);
    await Promise.all([this.primary.close(), ...this.replicas.map((replica) => replica.close())]);
  }

  private async read<T>(
    reads: ReplicaReads,
    statement: (pool: pg.Pool) => Promise<T>,
    onPrimary: () => Promise<T>,
  ): Promise<T> {
    const replica = await this.chosen(reads);
    if (replica === null) reads.usesPrimary = true;
    if (replica === null || reads.usesPrimary) return await onPrimary();
    try {
      return await statement(replica.pool);
    } catch (error) {
      if (error instanceof Error && isConnectionError(error)) this.leaveOut(replica, error);
      if (isLimit(error) && replica.isUsable) throw error;
      // Among others a conflict with what the replica replays, or a table that it does not have yet. It cannot write.
      reads.usesPrimary = true;
      return await onPrimary();
    }
  }

  /** The replica of a request, chosen at its first statement. */
  private chosen(reads: ReplicaReads): Promise<Replica | null> {
    const known = this.choices.get(reads);
    if (known !== undefined) return known;
    const choice = this.choose(reads.after);
    this.choices.set(reads, choice);
    return choice;
  }

  /** One that has replayed the position or does so soon, in turn; null if there is none. */
  private async choose(after: WalPosition): Promise<Replica | null> {
    const { waitMs } = this.limits;
    const usable = this.replicas.filter(({ isUsable }) => isUsable);
    const close = usable.filter(({ state }) => state.kind === 'usable' && state.lagMs <= waitMs);
    // Others are used where all lag: they show an older state, and it would be in vain to wait for them.
    const candidates = close.length > 0 ? close : usable;
    const next = candidates[this.turn++ % candidates.length];
    if (next === undefined) return null;
    // What it has replayed is known of its latest answer only, and the replicas in more use would be preferred.
    if (await next.reaches(after, AbortSignal.timeout(TURN_MS))) return next;
    const ready = candidates.find(({ isUsable, replayed }) => isUsable && replayed >= after);
    return ready ?? (await firstToReach(after, close, AbortSignal.timeout(waitMs)));
  }

  private async checkAll(): Promise<void> {
    const before = this.replicas.map(({ state }) => state.kind);
    const asked = performance.now();
    try {
      this.lastSeen = await this.primary.state();
      this.history.note(this.lastSeen.position, asked);
    } catch {
      // The replicas go on: they answer from what they have.
    }
    await Promise.all(this.replicas.map((replica) => replica.check(this.history, this.lastSeen)));
    for (const [i, replica] of this.replicas.entries()) this.reportChange(replica, before[i]);
  }

  private leaveOut(replica: Replica, error: Error): void {
    const before = replica.state.kind;
    replica.leaveOut(error);
    this.reportChange(replica, before);
  }

  /** Reports a replica that was in use and is so no longer. */
  private reportChange({ name, state }: Replica, before: ReplicaState['kind'] | undefined): void {
    if (before !== 'usable' || state.kind === 'usable') return;
    const why = 'reason' in state ? state.reason : `it lags by ${Math.round(state.lagMs)} ms`;
    this.report(new Error(`the replica ${name} is left out: ${why}`));
  }
}

/** Null if none reaches the position before the signal is aborted. */
async function firstToReach(
  position: WalPosition,
  replicas: readonly Replica[],
  signal: AbortSignal,
): Promise<Replica | null> {
  const ends = new AbortController();
  const either = AbortSignal.any([signal, ends.signal]);
  const reaching = replicas.map(async (replica) => {
    if (await replica.reaches(position, either)) return replica;
    throw new Error('not in time');
  });
  try {
    return await Promise.any(reaching).catch(() => null);
  } finally {
    ends.abort();
  }
}

/** SQLSTATE of a statement that its time limit or its caller has ended. */
const QUERY_CANCELED = '57014';

/** Whether a limit ended the statement, which the primary would do too. */
function isLimit(error: unknown): boolean {
  return error instanceof CommonspaceError || (error as { code?: unknown }).code === QUERY_CANCELED;
}
