import type { QueryField } from './field.js';

export const exportCatalogue: QueryField<'exportCatalogue'> = async (_parent, _args, { services }) => ({
  url: '/export',
  ...(await services.archiveExport.size()),
});
