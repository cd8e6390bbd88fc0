import type { QueryField } from './field.js';

export const mapPoints: QueryField<'mapPoints'> = async (
  _parent,
  { encoderId, classIds, first, after },
  { services },
) => {
  const page = await services.map.points({
    encoderId: encoderId ?? null,
    classIds: classIds ?? [],
    first,
    after: after ?? null,
  });
  return {
    count: page.modalities.length,
    ids: page.ids.toString('base64'),
    positions: page.positions.toString('base64'),
    modalities: page.modalities.toString('base64'),
    classes: page.classes.toString('base64'),
    endCursor: page.endCursor,
  };
};
