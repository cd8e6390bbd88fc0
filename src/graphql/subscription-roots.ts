import {
  type ASTVisitor,
  type DirectiveNode,
  GraphQLError,
  type SelectionNode,
  type SelectionSetNode,
  type ValidationContext,
} from 'graphql';

const CONDITIONS: ReadonlySet<string> = new Set(['skip', 'include']);

/**
 * A validation rule that refuses @skip and @include on the root field of a subscription, as the specification does since 2025.
 * Without the field there is nothing to subscribe to, and graphql-js throws a TypeError.
 *
 * Another rule of graphql-js evaluates these directives, and throws for `@skip(if: null)`. So they are removed from the document, which
 * is refused, before any rule visits it.
 */
export function unconditionalSubscription(context: ValidationContext): ASTVisitor {
  for (const definition of context.getDocument().definitions) {
    if (definition.kind !== 'OperationDefinition' || definition.operation !== 'subscription') continue;
    for (const node of rootNodes(context, definition.selectionSet, new Set())) {
      const conditions = node.directives?.filter(({ name }) => CONDITIONS.has(name.value)) ?? [];
      if (conditions.length === 0) continue;
      const message = 'The root field of a subscription must not have the directives @skip and @include.';
      context.reportError(new GraphQLError(message, { nodes: conditions }));
      (node as { directives?: readonly DirectiveNode[] }).directives = [];
    }
  }
  return {};
}

function rootNodes(
  context: ValidationContext,
  { selections }: SelectionSetNode,
  path: ReadonlySet<string>,
): SelectionNode[] {
  return selections.flatMap((node) => {
    if (node.kind === 'Field') return [node];
    if (node.kind === 'InlineFragment') return [node, ...rootNodes(context, node.selectionSet, path)];
    const fragment = context.getFragment(node.name.value);
    // Other rules report cycles and unknown fragments.
    if (fragment == null || path.has(node.name.value)) return [node];
    return [node, ...rootNodes(context, fragment.selectionSet, new Set([...path, node.name.value]))];
  });
}
