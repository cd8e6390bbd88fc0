import type { Catalog } from '../../catalog/catalog.js';
import type { EncoderRow } from '../../catalog/types.js';
import { checkPageSize, checkStorable } from '../../domain/check.js';
import type { Composition } from '../../domain/composition.js';
import { badCursor, decodeCursor, encodeCursor, fingerprint } from '../../domain/cursor.js';
import { type EncoderState, type EpochProgress, movesFrom } from '../../domain/encoder-status.js';
import { CommonspaceError, type ReportUnexpected } from '../../domain/errors.js';
import { isUuid } from '../../domain/ids.js';
import { LIMITS } from '../../domain/limits.js';
import { outsideRequest } from '../../platform/request-work.js';
import { RowWatch } from '../../platform/row-watch.js';
import { type ActivateOptions, type Activation, wrongState } from './activation.js';
import type { Checkpoints } from './checkpoints.js';
import { EncoderParts } from './encoder-parts.js';

/** At most so many epochs of a training are listed. */
const MOST_EPOCHS = 300;

/** A retired encoder is kept for this time, because searches that started before the switch may still use it. */
const SEARCH_GRACE_MS = 10 * 60_000;

export interface EncoderPage {
  readonly encoders: readonly { readonly row: EncoderRow; readonly cursor: string }[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  /** Of the encoders on all pages. */
  readonly count: () => Promise<number>;
}

/** Versions of the encoder: list, activate, watch, remove. */
export class EncoderService {
  private readonly watching: RowWatch<EncoderRow>;
  private readonly compositions: EncoderParts;

  /** @param keepRetired how many retired versions are kept when another becomes active */
  constructor(
    private readonly catalog: Catalog,
    private readonly activation: Activation,
    private readonly checkpoints: Checkpoints,
    private readonly keepRetired: number,
    private readonly reportUnexpected: ReportUnexpected,
  ) {
    this.watching = new RowWatch(
      (id) => catalog.encoders.byId(id),
      // A run that can be cancelled is under way. So is one that activates its encoder.
      ({ id, state, report }) =>
        movesFrom(state).cancel ||
        (state === 'ready' && report.activating === true && catalog.encoderRuns.isActivating(id)),
    );
    this.compositions = new EncoderParts(catalog);
  }

  /** The newest first. */
  async page(
    states: readonly EncoderState[] | null,
    first: number,
    after: string | null,
  ): Promise<EncoderPage> {
    checkPageSize(first, LIMITS.encoderPageSize);
    const print = fingerprint({ encoders: states === null ? null : [...states].sort() });
    const position = after === null ? null : readPosition(decodeCursor(after, print));
    const rows = await this.catalog.encoders.list({ states, after: position, limit: first + 1 });
    return {
      encoders: rows.slice(0, first).map((row) => ({
        row,
        cursor: encodeCursor(print, `${row.createdAt.getTime()} ${row.id}`),
      })),
      hasNextPage: rows.length > first,
      hasPreviousPage: position !== null,
      count: () => this.catalog.encoders.count(states),
    };
  }

  async byId(id: string): Promise<EncoderRow | null> {
    return isUuid(id) ? await this.catalog.encoders.byId(id) : null;
  }

  /** @throws CommonspaceError ENCODER_NOT_FOUND, BAD_INPUT for a string that no id can be. */
  async require(id: string): Promise<EncoderRow> {
    checkStorable(id, ['id']);
    const row = await this.byId(id);
    if (row === null) throw new CommonspaceError('ENCODER_NOT_FOUND', 'No encoder has this id.', ['id']);
    return row;
  }

  /** What its embeddings consist of; empty before it is trained. */
  async parts(row: EncoderRow): Promise<Composition> {
    return await this.compositions.of(row);
  }

  /** The figures of its epochs, in order; of a long training some at even distances. */
  async history(row: EncoderRow): Promise<EpochProgress[]> {
    return await this.catalog.encoderEpochs.of(row.id, MOST_EPOCHS);
  }

  /** The encoder that was active before the current one. @throws CommonspaceError ENCODER_NOT_FOUND */
  async previous(): Promise<EncoderRow> {
    const row = await this.catalog.encoders.previous();
    if (row === null) {
      throw new CommonspaceError('ENCODER_NOT_FOUND', 'No other encoder was active before.', ['id']);
    }
    return row;
  }

  /** See Activation. @throws CommonspaceError ENCODER_NOT_FOUND, ENCODER_STATE, BELOW_ACTIVE, CANCELLED. */
  async activate(id: string, options: ActivateOptions): Promise<EncoderRow> {
    const wanted = await this.require(id);
    // It may extract and embed the whole catalogue.
    const row = await outsideRequest(() => this.activation.activate(wanted, options));
    // The switch is committed: an error of the clean-up does not undo it.
    await this.removeOldest().catch(this.reportUnexpected);
    return row;
  }

  /** Removes a version that is not in use, with its embeddings. @throws CommonspaceError ENCODER_NOT_FOUND, ENCODER_STATE. */
  async remove(id: string): Promise<void> {
    const row = await this.require(id);
    if (!movesFrom(row.state).remove) throw wrongState(row, 'removed');
    if (isInGrace(row)) {
      throw new CommonspaceError(
        'ENCODER_STATE',
        'Searches that started before the switch may still use this encoder; it can be removed ten minutes after it was retired.',
        ['id'],
      );
    }
    if (!(await this.catalog.encoders.remove(id))) throw wrongState(await this.require(id), 'removed');
    await this.checkpoints.removeRun(id);
  }

  /** The row, and the row again after each change, until the run ends. */
  async *watch(id: string, signal: AbortSignal): AsyncGenerator<EncoderRow> {
    await this.require(id);
    yield* this.watching.watch(id, signal);
  }

  /** Removes the oldest retired versions beyond `keepRetired`; those that searches may still use stay until the next call. */
  private async removeOldest(): Promise<void> {
    const retired = await this.catalog.encoders.list({ states: ['retired'] });
    const byAge = [...retired].sort((a, b) => time(b.retiredAt) - time(a.retiredAt));
    for (const row of byAge.slice(this.keepRetired)) {
      if (!isInGrace(row) && (await this.catalog.encoders.remove(row.id))) {
        await this.checkpoints.removeRun(row.id);
      }
    }
  }
}

const time = (date: Date | null): number => date?.getTime() ?? 0;

function isInGrace({ retiredAt }: EncoderRow): boolean {
  return retiredAt !== null && Date.now() - retiredAt.getTime() < SEARCH_GRACE_MS;
}

function readPosition(position: string): { readonly createdAt: Date; readonly id: string } {
  const [milliseconds = '', id = ''] = position.split(' ');
  const createdAt = new Date(Number(milliseconds));
  if (!isUuid(id) || Number.isNaN(createdAt.getTime())) {
    throw badCursor();
  }
  return { createdAt, id };
}
