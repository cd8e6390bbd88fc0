import type { MutationField } from './field.js';

export const updateItem: MutationField<'updateItem'> = async (_parent, { input }, { services, signal }) => {
  const [outcome] = await services.itemUpdates.update([input], ['input'], signal);
  if (outcome === undefined) throw new Error('the change has no outcome');
  if (outcome.status !== 'FAILED') return { item: outcome.item, errors: [] };
  const { error } = outcome;
  // The service names the change by its index.
  const [list = 'input', , ...rest] = error.field;
  return { item: null, errors: [{ ...error, field: [list, ...rest] }] };
};
