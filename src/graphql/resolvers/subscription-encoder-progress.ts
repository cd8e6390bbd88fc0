import type { SubscriptionResolvers } from '../../__generated__/resolver-types.js';
import type { EncoderRow } from '../../services/models.js';

export const encoderProgress: NonNullable<SubscriptionResolvers['encoderProgress']> = {
  subscribe: async (_parent, { id }, { services, signal }) => {
    // An unknown id is an error of the operation, before the first event.
    await services.encoders.require(id);
    return services.encoders.watch(id, signal);
  },
  resolve: (row: EncoderRow) => row,
};
