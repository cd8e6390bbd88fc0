import type { FacetsResolvers } from '../../__generated__/resolver-types.js';

export const facetFields: FacetsResolvers = {
  total: (request, _args, { services }) => services.facets.total(request),
  modalities: (request, _args, { services }) => services.facets.modalities(request),
  classes: (request, _args, { services }) => services.facets.classes(request),
  metadata: (request, _args, { services }) => services.facets.metadata(request),
};
