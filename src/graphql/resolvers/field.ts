import type { MutationResolvers, QueryResolvers } from '../../__generated__/resolver-types.js';

/** The resolver of one field of Query. */
export type QueryField<Name extends keyof QueryResolvers> = NonNullable<QueryResolvers[Name]>;

/** The resolver of one field of Mutation. */
export type MutationField<Name extends keyof MutationResolvers> = NonNullable<MutationResolvers[Name]>;
