import { epochProgress } from '../../domain/encoder-record.js';
import type { EpochProgress } from '../../domain/encoder-status.js';
import type { Database } from '../postgres/database.js';
import type { ClaimedRun } from './encoder-runs.js';
import { parseStored } from './stored-json.js';

/** The figures of the epochs of trainings. */
export class EncoderEpochs {
  constructor(private readonly db: Database) {}

  /**
   * Stores epochs of a run, in ascending order. Later epochs of an attempt before this one are removed, because a resumed training
   * repeats them from its checkpoint. Does nothing if the claim is lost.
   */
  async add({ claim, row }: ClaimedRun, epochs: readonly EpochProgress[]): Promise<void> {
    const last = epochs.at(-1);
    if (last === undefined) return;
    await this.db.run(
      `WITH run AS (SELECT id FROM encoder WHERE id = $1 AND claim = $2 FOR SHARE),
         gone AS (DELETE FROM encoder_epoch USING run WHERE encoder_id = run.id AND epoch > $4)
       INSERT INTO encoder_epoch (encoder_id, epoch, figures)
       SELECT run.id, (figures->>'epoch')::int, figures FROM run, jsonb_array_elements($3::jsonb) AS figures
       ON CONFLICT (encoder_id, epoch) DO UPDATE SET figures = EXCLUDED.figures`,
      [row.id, claim, JSON.stringify(epochs), last.epoch],
    );
  }

  /** In ascending order; if there are more than `limit`, that many or fewer at even distances, the last one among them. */
  async of(id: string, limit: number): Promise<EpochProgress[]> {
    const rows = await this.db.run<{ figures: unknown }>(
      `SELECT figures FROM (
         SELECT epoch, figures, count(*) OVER () - row_number() OVER (ORDER BY epoch) AS after, count(*) OVER () AS total
         FROM encoder_epoch WHERE encoder_id = $1) AS numbered
       WHERE after % greatest(1, ceil(total::float8 / $2))::bigint = 0 ORDER BY epoch`,
      [id, limit],
    );
    return rows.map(({ figures }) => parseStored(epochProgress, figures, id, 'epoch'));
  }
}
