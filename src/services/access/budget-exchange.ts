import { setTimeout } from 'node:timers/promises';
import type { BudgetUses } from '../../catalog/repositories/budget-uses.js';
import type { Budgets } from './budgets.js';

const EVERY_MS = 1_000;

/**
 * Lets a budget hold over all servers and workers of a database: each one writes once a second what callers have used of it, and reads what they
 * have used of the others. Requests do not wait for it. While the database does not answer, each counts for itself.
 */
export class BudgetExchange {
  private readonly stopping = new AbortController();
  private loop: Promise<void> | null = null;

  /** @param uses null where one process alone has the database */
  constructor(
    private readonly budgets: Budgets,
    private readonly uses: Pick<BudgetUses, 'exchange'> | null,
    private readonly everyMs = EVERY_MS,
  ) {}

  /** Starts, once. It does not keep the process alive. */
  start(): void {
    if (this.uses !== null) this.loop ??= this.repeat();
  }

  /** Ends after what was used has been written, so that a restart does not give budgets back. */
  async stop(): Promise<void> {
    if (this.loop === null) return;
    this.stopping.abort();
    await this.loop;
    await this.once().catch(() => {});
  }

  /** Writes and reads once. @throws CommonspaceError DATABASE_UNREACHABLE, after which the next call writes the same */
  async once(): Promise<void> {
    if (this.uses === null) return;
    const unsent = this.budgets.takeUnsent();
    try {
      this.budgets.receive(await this.uses.exchange(unsent));
    } catch (error) {
      this.budgets.putBack(unsent);
      throw error;
    }
  }

  private async repeat(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      // The database reports a lost connection itself.
      await this.once().catch(() => {});
      await setTimeout(this.everyMs, null, { signal, ref: false }).catch(() => {});
    }
  }
}
