import type { SearchConnectionResolvers } from '../../__generated__/resolver-types.js';

export const searchConnection: SearchConnectionResolvers = {
  totalCount: async ({ matched }, _args, { services }) =>
    matched === null ? null : await services.items.count(await matched()),
  facets: async ({ matched }, { metadataKeys, classes, values }, { services }) => {
    const sizes = { metadataKeys: metadataKeys ?? [], classes, values };
    services.facets.checkSizes(sizes);
    return matched === null ? null : { ...sizes, filter: await matched() };
  },
};
