import type { Encoder } from '../../__generated__/prisma/client.js';
import type { EncoderFailure, EncoderProgress, EncoderStatus } from '../../domain/encoder-status.js';
import { UnreachableCaseError } from '../../domain/errors.js';
import type { EncoderFacts, EncoderRow, TrainedEncoderRow } from '../types.js';
import { jsonObject } from './rows.js';

/** A version as the table holds it, in Prisma's names; raw SQL selects the same with ENCODER_COLUMNS. */
export type StoredEncoder = Omit<Encoder, 'claim' | 'owner' | 'heartbeatAt'>;

/** The columns of `encoder` under the names of StoredEncoder. */
export const ENCODER_COLUMNS = `id, state, dimension, image_extractor AS "imageExtractor",
  text_extractor AS "textExtractor", config, report, request, progress, failure, created_at AS "createdAt",
  started_at AS "startedAt", finished_at AS "finishedAt", activated_at AS "activatedAt", retired_at AS "retiredAt"`;

/** The typed value of a stored version. Throws if a column that its state needs is empty, which a check forbids. */
export function encoderRow(stored: StoredEncoder): EncoderRow {
  const facts: EncoderFacts = {
    id: stored.id,
    dimension: stored.dimension,
    imageExtractor: stored.imageExtractor,
    textExtractor: stored.textExtractor,
    request: jsonObject(stored.request),
    config: jsonObject(stored.config),
    report: jsonObject(stored.report),
    createdAt: stored.createdAt,
    startedAt: stored.startedAt,
    finishedAt: stored.finishedAt,
    activatedAt: stored.activatedAt,
    retiredAt: stored.retiredAt,
  };
  return { ...facts, ...statusOf(stored) } as EncoderRow;
}

/** The same of a version that must be trained. */
export function trainedRow(row: EncoderRow): TrainedEncoderRow {
  if (row.dimension === null) throw new Error(`encoder ${row.id} is not trained`);
  return { ...row, dimension: row.dimension };
}

function statusOf(stored: StoredEncoder): EncoderStatus {
  const { id, state, dimension } = stored;
  // Nobody else writes these two columns.
  const progress = stored.progress as EncoderProgress | null;
  const failure = stored.failure as EncoderFailure | null;
  switch (state) {
    case 'queued':
    case 'cancelled':
      return { state };
    case 'training':
      return { state, progress };
    case 'failed':
      if (failure === null) throw new Error(`encoder ${id} failed without a reason`);
      return { state, failure };
    case 'embedding':
      return { state, progress, dimension: known(dimension, id) };
    case 'ready':
    case 'active':
    case 'retired':
      return { state, dimension: known(dimension, id) };
    default:
      throw new UnreachableCaseError(state);
  }
}

function known(dimension: number | null, id: string): number {
  if (dimension === null) throw new Error(`encoder ${id} is trained and has no dimension`);
  return dimension;
}
