import { setTimeout } from 'node:timers/promises';
import type { Catalog } from '../../catalog/catalog.js';
import { CommonspaceError, type ReportUnexpected } from '../../domain/errors.js';
import type { ActiveEncoder, LoadedEncoder } from '../serving/active-encoder.js';
import { embedCatalogue } from '../serving/embed-catalogue.js';
import { type Extractors, openPair } from '../serving/extractors-in-use.js';
import type { FeatureBackfill } from '../serving/feature-backfill.js';
import type { HashBackfill } from '../serving/hash-backfill.js';

/** Interval at which removals that are not finished are tried again. */
const REMOVE_EVERY_MS = 60_000;
/** Interval at which a server looks for features and embeddings that live encoders lack. */
const COMPLETE_EVERY_MS = 3_600_000;

/**
 * Adds the words of items that an earlier version has stored, then extracts and embeds what live encoders lack: an item that
 * was stored while an encoder's extractor could not be opened has no feature of it and no embedding. It looks for them again
 * every hour. After the first time it adds the perceptual hashes that images of an earlier version lack. Meanwhile and
 * afterwards, it finishes the removals of encoders whose tables were in use.
 */
export class Upkeep {
  private readonly stopping = new AbortController();
  private work: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly catalog: Catalog,
    private readonly encoders: ActiveEncoder,
    private readonly extractors: Extractors,
    private readonly backfill: FeatureBackfill,
    private readonly hashes: HashBackfill,
    private readonly reportUnexpected: ReportUnexpected,
  ) {}

  /** Starts the work in the background, once. */
  start(): void {
    const { signal } = this.stopping;
    this.work = Promise.all([this.run(signal), this.finishRemovals(signal)]);
  }

  private async finishRemovals(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.catalog.encoders.finishRemovals().catch(this.reportUnexpected);
      await setTimeout(REMOVE_EVERY_MS, null, { signal, ref: false }).catch(() => {});
    }
  }

  /** One part runs even if another fails. Searches need the vectors first. */
  private async run(signal: AbortSignal): Promise<void> {
    for (const part of [() => this.complete(signal), () => this.hashes.fill(signal)]) {
      await part().catch((error: unknown) => {
        if (!signal.aborted) this.reportUnexpected(error);
      });
    }
    while (!signal.aborted) {
      await setTimeout(COMPLETE_EVERY_MS, null, { signal, ref: false }).catch(() => {});
      if (signal.aborted) return;
      await this.complete(signal).catch((error: unknown) => {
        if (!signal.aborted) this.reportUnexpected(error);
      });
    }
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.work;
  }

  /**
   * All but the hashes. Skips an encoder whose extractor still cannot be opened. An extraction that went wrong is in the list of
   * jobs, and is begun again some hours later.
   *
   * @throws CommonspaceError CANCELLED
   */
  async complete(signal?: AbortSignal): Promise<void> {
    await this.catalog.words.fill(signal);
    for (const live of await this.encoders.live()) {
      // A training run embeds for this one.
      if (live.row.state !== 'embedding') await this.completeOne(live, signal);
    }
  }

  private async completeOne({ row, encoder }: LoadedEncoder, signal: AbortSignal | undefined): Promise<void> {
    const opens = await openPair(this.extractors, row).then(
      () => true,
      () => false,
    );
    if (!opens) return;
    await this.backfill.fillUnlessRepeated(row, { signal }).catch((error: unknown) => {
      if (!(error instanceof CommonspaceError) || signal?.aborted) throw error;
    });
    await embedCatalogue(this.catalog, row, encoder, () => {}, signal ? { signal } : {});
  }
}
