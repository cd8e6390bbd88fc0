import type {
  ImageItemResolvers,
  MutationResolvers,
  QueryResolvers,
  TextItemResolvers,
} from '../../__generated__/resolver-types.js';

/** The resolver of one field of Query. */
export type QueryField<Name extends keyof QueryResolvers> = NonNullable<QueryResolvers[Name]>;

/** The resolver of one field of Mutation. */
export type MutationField<Name extends keyof MutationResolvers> = NonNullable<MutationResolvers[Name]>;

/** The resolver of one field of both item types. */
export type ItemField<Name extends keyof ImageItemResolvers & keyof TextItemResolvers> = NonNullable<
  ImageItemResolvers[Name]
> &
  NonNullable<TextItemResolvers[Name]>;
