import type { QueryField } from './field.js';

export const spaceMap: QueryField<'spaceMap'> = async (_parent, { encoderId }, { services }) => {
  const state = await services.map.state(encoderId ?? null);
  if (state === null) return null;
  const { map, job, newItems } = state;
  return {
    encoderVersion: state.encoderId,
    layout: map?.layout ?? null,
    computedAt: map?.completedAt ?? null,
    job,
    pointCount: map?.points ?? 0,
    newItems,
    explained: map?.explained ?? null,
    bounds: map,
  };
};
