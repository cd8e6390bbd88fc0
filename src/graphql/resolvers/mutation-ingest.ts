import { checkBatchSize } from '../../services/ingest/ingest-service.js';
import { readIngestItem } from '../inputs.js';
import type { MutationField } from './field.js';

export const ingest: MutationField<'ingest'> = async (_parent, { input }, { services, signal, fetches }) => {
  checkBatchSize(input.items.length, ['input', 'items']);
  const outcomes = await services.ingest.ingest(input.items.map(readIngestItem), { signal, fetches });
  const results = outcomes.map((outcome, index) => ({
    index,
    status: outcome.status,
    item: outcome.status === 'FAILED' ? null : outcome.item,
    error: outcome.status === 'FAILED' ? outcome.error : null,
  }));
  const count = (status: string) => results.filter((result) => result.status === status).length;
  return {
    results,
    created: count('CREATED'),
    updated: count('UPDATED'),
    unchanged: count('UNCHANGED'),
    failed: count('FAILED'),
  };
};
