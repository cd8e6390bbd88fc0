import { readSingleQuery } from '../inputs.js';
import type { QueryField } from './field.js';

export const placeOnMap: QueryField<'placeOnMap'> = async (
  _parent,
  { query, encoderId, first },
  { services, signal, fetches },
) => {
  const place = await services.map.place(readSingleQuery(query), encoderId ?? null, first, {
    signal,
    fetches,
  });
  return {
    ...place,
    nearest: place.nearest.map(({ item, similarity, position }) => ({
      item,
      similarity,
      position: position && { itemId: position.id, x: position.x, y: position.y },
    })),
  };
};
