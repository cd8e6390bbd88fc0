import { checkBatchSize } from '../../services/ingest/ingest-service.js';
import type { MutationField } from './field.js';

export const deleteItems: MutationField<'deleteItems'> = async (_parent, { ids }, { services }) => {
  checkBatchSize(ids.length, ['ids']);
  return await services.items.delete(ids);
};
