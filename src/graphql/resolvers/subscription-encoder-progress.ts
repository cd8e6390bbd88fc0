import type { SubscriptionResolvers } from '../../__generated__/resolver-types.js';
import type { EncoderRow } from '../../services/models.js';

export const encoderProgress: NonNullable<SubscriptionResolvers['encoderProgress']> = {
  subscribe: (_parent, { id }, { services, signal }) => services.encoders.watch(id, signal),
  resolve: (row: EncoderRow) => row,
};
