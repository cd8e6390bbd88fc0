import type { Catalog } from '../../catalog/catalog.js';
import type { Caller } from '../../domain/access.js';
import { NO_POSITION, type WalPosition, writePosition } from '../../domain/wal-position.js';
import { type ReplicaReads, readFromReplicas } from '../../platform/request-work.js';
import { CallerPositions } from './caller-positions.js';

/** Lets replicas answer reads that see the caller's own writes. Without replicas it does nothing. */
export class Positions {
  private readonly replicas: Catalog['database']['replicas'];
  private readonly written: CallerPositions;

  constructor({ database }: Pick<Catalog, 'database'>) {
    this.replicas = database.replicas;
    this.written = new CallerPositions(database.replicas?.settledMs ?? 0);
  }

  /**
   * Lets a replica answer the current request, if it has replayed what the caller wrote through this server.
   *
   * @param after a position that an earlier answer of any server named
   */
  read(caller: Caller, after: WalPosition = NO_POSITION): void {
    if (this.replicas === null) return;
    const own = this.written.of(nameOf(caller));
    if (own !== null) readFromReplicas(own > after ? own : after);
  }

  /**
   * Notes that the caller has written, or has read from the primary by a subscription.
   *
   * @returns the position for the answer; null without replicas, and if the primary does not name it
   */
  async note(caller: Caller): Promise<string | null> {
    if (this.replicas === null) return null;
    const position = await this.replicas.position().catch(() => null);
    this.written.note(nameOf(caller), position);
    return position === null ? null : writePosition(position);
  }

  /** The position of the answer to a request that only read; null if it has read nothing, and as for `note`. */
  async seen(reads: ReplicaReads): Promise<string | null> {
    const position = await this.replicas?.seen(reads).catch(() => null);
    return position == null ? null : writePosition(position);
  }
}

/** As budgets count callers: keys of the environment together, and callers without a key. */
function nameOf({ keyId, name }: Caller): string {
  return keyId ?? name;
}
