import { toConnection } from '../connections.js';
import { readStates } from '../encoder-values.js';
import type { QueryField } from './field.js';

export const encoders: QueryField<'encoders'> = async (_parent, { states, first, after }, { services }) => {
  const page = await services.encoders.page(readStates(states), first, after ?? null);
  return {
    ...toConnection(
      page.encoders.map(({ row, cursor }) => ({ cursor, node: row })),
      page,
    ),
    count: page.count,
  };
};
