import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';

/**
 * An operation with the types of its result and variables, as graphql-codegen makes it (`typed-document-node`, with documents as
 * strings or as syntax trees), or as `gql` makes it by hand.
 */
export type TypedDocument<Result, Variables> = DocumentTypeDecoration<Result, Variables>;

/**
 * An operation whose types the caller states.
 *
 * @example const Count = gql<{ items: { totalCount: number } }>('{ items(first: 1) { totalCount } }')
 */
export function gql<Result, Variables = Record<string, never>>(
  source: string,
): TypedDocument<Result, Variables> {
  // A String object carries the types, which a primitive cannot.
  return new String(source) as TypedDocument<Result, Variables>;
}

/** The text of an operation. */
export async function textOf<Result, Variables>(document: TypedDocument<Result, Variables>): Promise<string> {
  if ('kind' in document && document.kind === 'Document') {
    // Only a caller that has documents as syntax trees needs the package, and has it.
    const { print } = await import('graphql');
    return print(document as unknown as Parameters<typeof print>[0]);
  }
  return String(document);
}
