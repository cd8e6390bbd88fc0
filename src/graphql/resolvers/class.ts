import type { ClassResolvers } from '../../__generated__/resolver-types.js';

export const classFields: ClassResolvers = {
  itemCount: (row, { modality }, { loaders }) =>
    loaders.itemCount.load({ classId: row.id, modality: modality ?? null }),
  seen: async (row, _args, { loaders }) => (await loaders.seen()).has(row.id),
};
