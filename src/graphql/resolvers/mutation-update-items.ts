import { checkBatchSize } from '../../services/ingest/ingest-service.js';
import type { MutationField } from './field.js';

export const updateItems: MutationField<'updateItems'> = async (_parent, { items }, { services, signal }) => {
  checkBatchSize(items.length, ['items']);
  const outcomes = await services.itemUpdates.update(items, ['items'], signal);
  const results = outcomes.map((outcome, index) =>
    outcome.status === 'FAILED'
      ? { index, status: outcome.status, item: null, error: outcome.error }
      : { index, status: updated(outcome.status), item: outcome.item, error: null },
  );
  const count = (status: string) => results.filter((result) => result.status === status).length;
  return { results, updated: count('UPDATED'), unchanged: count('UNCHANGED'), failed: count('FAILED') };
};

function updated(status: 'CREATED' | 'UPDATED' | 'UNCHANGED'): 'UPDATED' | 'UNCHANGED' {
  if (status === 'CREATED') throw new Error('a change creates no item');
  return status;
}
