import type { QueryField } from './field.js';

export const server: QueryField<'server'> = async (_parent, _args, { services }) => {
  const { items, waiting, ...rest } = await services.serverFigures.read();
  return {
    ...rest,
    images: items.IMAGE,
    texts: items.TEXT,
    waitingExtractions: waiting.extractions,
    waitingPictures: waiting.pictures,
  };
};
