import type { QueryField } from './field.js';

export const mapPositions: QueryField<'mapPositions'> = async (_parent, { encoderId, ids }, { services }) => {
  const positions = await services.map.positions(encoderId ?? null, ids);
  return positions.map((position) => position && { itemId: position.id, x: position.x, y: position.y });
};
