import type { Catalog } from '../../catalog/catalog.js';
import { SwitchRefused } from '../../catalog/repositories/encoders.js';
import type { EncoderRow } from '../../catalog/types.js';
import { movesFrom } from '../../domain/encoder-status.js';
import { CommonspaceError } from '../../domain/errors.js';
import type { Encoder } from '../../encoder/types.js';
import type { ActiveEncoder } from '../serving/active-encoder.js';
import { embedCatalogue } from '../serving/embed-catalogue.js';
import { type Extractors, openPair } from '../serving/extractors-in-use.js';
import type { FeatureBackfill } from '../serving/feature-backfill.js';
import type { IndexUpkeep } from '../serving/index-upkeep.js';
import type { PromotionGate } from './promotion.js';

/** The switch embeds at most this many items, while writers wait; the others are embedded before it. */
const MAX_IN_SWITCH = 200;
/** Rounds of embedding before the switch: writers may add items as fast as they are embedded. */
const CATCH_UPS = 10;
/** Attempts to switch while others switch. */
const ATTEMPTS = 5;

export interface ActivateOptions {
  /** Skips the gate, and accepts an encoder whose extractors cannot be opened. */
  readonly force: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Makes an encoder the active one. Items are embedded before the switch, so searches miss none at any time. */
export class Activation {
  constructor(
    private readonly catalog: Catalog,
    private readonly encoders: ActiveEncoder,
    private readonly gate: PromotionGate,
    private readonly extractors: Extractors,
    private readonly backfill: FeatureBackfill,
    private readonly indexes: IndexUpkeep,
  ) {}

  /**
   * Activating the active encoder changes nothing. An encoder that was active before skips the gate, so that going back is
   * always possible. The first encoder of a catalogue is compared only with the pre-trained model that it stands on.
   *
   * @throws CommonspaceError ENCODER_STATE, BELOW_ACTIVE, EXTRACTOR_MISSING, CANCELLED.
   */
  async activate(wanted: EncoderRow, { force, signal }: ActivateOptions): Promise<EncoderRow> {
    const { encoders } = this.catalog;
    for (let attempt = 1; ; attempt += 1) {
      const row = (await encoders.byId(wanted.id)) ?? wanted;
      if (row.state === 'active') return row;
      if (!movesFrom(row.state).activate) throw wrongState(row, 'activated');
      const active = await encoders.active();
      const isCompared = active !== null || isTrainedOnModel(row);
      if (isCompared && !force && row.activatedAt === null) await this.passGate(row, active, signal);
      const encoder = await this.encoders.load(row.id);
      await this.catchUp(row, encoder, { force, signal });
      try {
        return await encoders.activate(row.id, {
          expected: active?.id ?? null,
          complete: async (tx) => {
            await embedCatalogue(this.catalog, row, encoder, () => {}, { on: tx });
          },
        });
      } catch (error) {
        if (!(error instanceof SwitchRefused)) throw error;
        if (attempt === ATTEMPTS) throw wrongState(row, 'activated while others are');
      }
    }
  }

  private async passGate(row: EncoderRow, active: EncoderRow | null, signal?: AbortSignal): Promise<void> {
    const check = await this.gate.check(row, active, signal);
    await this.catalog.encoders.updateReport(row.id, { ...row.report, promotion: check });
    if (check.refusal !== null) throw new CommonspaceError('BELOW_ACTIVE', check.refusal, ['id']);
  }

  /** Extracts and embeds items that were stored while the encoder was not live. */
  private async catchUp(
    row: EncoderRow,
    encoder: Encoder,
    { force, signal }: ActivateOptions,
  ): Promise<void> {
    const open = await openPair(this.extractors, row).catch((error: unknown) => {
      if (!force) throw error;
      return null;
    });
    if (row.state === 'retired') await this.catalog.encoders.revive(row.id);
    if (open !== null) await this.backfill.fill(row, { signal });
    for (let round = 0; round < CATCH_UPS; round += 1) {
      const done = await embedCatalogue(this.catalog, row, encoder, () => {}, signal ? { signal } : {});
      if (done <= MAX_IN_SWITCH) break;
    }
    await this.indexes.ensure(signal);
  }
}

/** Whether it was trained on top of a model whose pictures and texts share a space, so that it may be worse than the model. */
function isTrainedOnModel({ config, request }: EncoderRow): boolean {
  return config.space !== undefined && request?.adopt !== true;
}

export function wrongState(row: EncoderRow, what: string): CommonspaceError {
  return new CommonspaceError('ENCODER_STATE', `The encoder is ${row.state}; it cannot be ${what}.`, ['id']);
}
