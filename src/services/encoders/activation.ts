import type { Catalog } from '../../catalog/catalog.js';
import { SwitchRefused } from '../../catalog/repositories/encoders.js';
import type { EncoderRow } from '../../catalog/types.js';
import { movesFrom } from '../../domain/encoder-status.js';
import { CommonspaceError } from '../../domain/errors.js';
import type { Encoder } from '../../encoder/types.js';
import type { ActiveEncoder } from '../serving/active-encoder.js';
import { embedCatalogue } from '../serving/embed-catalogue.js';
import type { FeatureBackfill } from '../serving/feature-backfill.js';
import type { ImageExtractors } from '../serving/image-extractors.js';
import type { PromotionGate } from './promotion.js';

/** The switch itself works out what at most so many items lack, while writers wait; more is caught up on before. */
const LEFT_TO_THE_SWITCH = 200;
/** How often that is tried: writers may be as quick as the catching up. */
const CATCH_UPS = 10;
/** How often the switch is tried where others switch at the same time. */
const ATTEMPTS = 5;

export interface ActivateOptions {
  /** Past the gate, and although pictures cannot be read as the encoder has learnt to read them. */
  readonly force: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Makes an encoder the one that searches use, without a moment in which any search would miss something. */
export class Activation {
  constructor(
    private readonly catalog: Catalog,
    private readonly encoders: ActiveEncoder,
    private readonly gate: PromotionGate,
    private readonly images: ImageExtractors,
    private readonly backfill: FeatureBackfill,
  ) {}

  /**
   * The active one again changes nothing. One that was active before passes the gate: going back is always possible.
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
      if (active !== null && !force && row.activatedAt === null) await this.passGate(row, active, signal);
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

  private async passGate(row: EncoderRow, active: EncoderRow, signal?: AbortSignal): Promise<void> {
    const check = await this.gate.check(row, active, signal);
    await this.catalog.encoders.updateReport(row.id, { ...row.report, promotion: check });
    if (check.refusal !== null) throw new CommonspaceError('BELOW_ACTIVE', check.refusal, ['id']);
  }

  /** Items stored while it was not live lack embeddings, and the features that these are made from. */
  private async catchUp(
    row: EncoderRow,
    encoder: Encoder,
    { force, signal }: ActivateOptions,
  ): Promise<void> {
    const image = await this.images.of(row).catch((error: unknown) => {
      if (!force) throw error;
      return null;
    });
    if (row.state === 'retired') await this.catalog.encoders.revive(row.id);
    if (image !== null) await this.backfill.fill(image, { signal });
    for (let round = 0; round < CATCH_UPS; round += 1) {
      const done = await embedCatalogue(this.catalog, row, encoder, () => {}, signal ? { signal } : {});
      if (done <= LEFT_TO_THE_SWITCH) break;
    }
    await this.catalog.indexes.ensure();
  }
}

export function wrongState(row: EncoderRow, what: string): CommonspaceError {
  return new CommonspaceError('ENCODER_STATE', `The encoder is ${row.state}; it cannot be ${what}.`, ['id']);
}
