import type { Encoder } from '../../__generated__/prisma/client.js';
import {
  encoderConfig,
  encoderFailure,
  encoderProgress,
  encoderReport,
  encoderRequest,
} from '../../domain/encoder-record.js';
import type { EncoderFailure, EncoderStatus } from '../../domain/encoder-status.js';
import { UnreachableCaseError } from '../../domain/errors.js';
import type { EncoderFacts, EncoderRow, TrainedEncoderRow } from '../types.js';
import { parseStored } from './stored-json.js';

/** The failure of an encoder until all of its import is there. It cannot be resumed: its training was done elsewhere. */
export const IMPORT_UNFINISHED: EncoderFailure = {
  code: 'INTERRUPTED',
  message: 'The import of this encoder was not finished. Import the archive again.',
};

/** A row of `encoder` under Prisma's names; raw SQL selects the same with ENCODER_COLUMNS. */
export type StoredEncoder = Omit<Encoder, 'claim' | 'owner' | 'heartbeatAt' | 'removedAt'>;

/** The columns of `encoder` under the names of StoredEncoder. */
export const ENCODER_COLUMNS = `id, state, dimension, image_extractor AS "imageExtractor",
  text_extractor AS "textExtractor", config, report, request, progress, failure, created_at AS "createdAt",
  started_at AS "startedAt", finished_at AS "finishedAt", activated_at AS "activatedAt", retired_at AS "retiredAt"`;

/**
 * The typed value of a stored version. Throws if a column that its state needs is empty, which a check constraint forbids.
 *
 * @throws CommonspaceError BAD_ENCODER_RECORD
 */
export function encoderRow(stored: StoredEncoder): EncoderRow {
  const { id } = stored;
  const facts: EncoderFacts = {
    id,
    dimension: stored.dimension,
    imageExtractor: stored.imageExtractor,
    textExtractor: stored.textExtractor,
    request: isEmpty(stored.request) ? null : parseStored(encoderRequest, stored.request, id, 'request'),
    config: parseStored(encoderConfig, stored.config, id, 'config'),
    report: parseStored(encoderReport, stored.report, id, 'report'),
    createdAt: stored.createdAt,
    startedAt: stored.startedAt,
    finishedAt: stored.finishedAt,
    activatedAt: stored.activatedAt,
    retiredAt: stored.retiredAt,
  };
  return { ...facts, ...statusOf(stored) };
}

/** The row as that of a trained version. Throws where it is not trained. */
export function trainedRow(row: EncoderRow): TrainedEncoderRow {
  if (row.dimension === null) throw new Error(`encoder ${row.id} is not trained`);
  return { ...row, dimension: row.dimension };
}

function statusOf(stored: StoredEncoder): EncoderStatus {
  const { id, state, dimension } = stored;
  const progress = () => parseStored(encoderProgress.nullable(), stored.progress, id, 'progress');
  switch (state) {
    case 'queued':
    case 'cancelled':
      return { state };
    case 'training':
      return { state, progress: progress() };
    case 'failed':
      return { state, failure: parseStored(encoderFailure, stored.failure, id, 'failure') };
    case 'embedding':
      return { state, progress: progress(), dimension: known(dimension, id) };
    case 'ready':
    case 'active':
    case 'retired':
      return { state, dimension: known(dimension, id) };
    default:
      throw new UnreachableCaseError(state);
  }
}

/** The column's default, which rows of versions without requests have. */
function isEmpty(json: unknown): boolean {
  return typeof json === 'object' && json !== null && Object.keys(json).length === 0;
}

function known(dimension: number | null, id: string): number {
  if (dimension === null) throw new Error(`encoder ${id} is trained and has no dimension`);
  return dimension;
}
