import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isLeafType,
  isRequiredArgument,
} from 'graphql';
import type { Draw } from './draw.js';
import { writeLiteral } from './literals.js';
import type { Pool } from './pool.js';
import { writeJson } from './raw-json.js';
import { Values } from './values.js';

/** A GraphQL request. */
export interface FuzzOperation {
  readonly kind: 'query' | 'mutation' | 'subscription';
  readonly document: string;
  /** As JSON. */
  readonly variables: string;
  readonly operationName: string | null;
  /** The root fields, as `Query.items`. */
  readonly fields: readonly string[];
}

/** Shares of edges among the values of an operation: a third of the operations has no edge value. */
const WILDNESS = [0, 0, 0.04, 0.04, 0.12, 0.5] as const;
const DEPTH = 4;
const DEEP = 14;
/** Fields of an operation, so that most stay below the limit of costs. */
const FIELDS = 30;

/**
 * Draws an operation from the schema.
 *
 * @param root the root field to begin with, so that a run can reach all of them
 */
export function drawOperation(
  schema: GraphQLSchema,
  draw: Draw,
  pool: Pool,
  root: { readonly kind: FuzzOperation['kind']; readonly field: string },
): FuzzOperation {
  return new OperationWriter(schema, draw, pool).write(root);
}

/** All root fields of the schema. */
export function rootFields(schema: GraphQLSchema): { kind: FuzzOperation['kind']; field: string }[] {
  const roots = [
    ['query', schema.getQueryType()],
    ['mutation', schema.getMutationType()],
    ['subscription', schema.getSubscriptionType()],
  ] as const;
  return roots.flatMap(([kind, type]) =>
    Object.keys(type?.getFields() ?? {}).map((field) => ({ kind, field })),
  );
}

class OperationWriter {
  private readonly values: Values;
  private readonly wildness: number;
  private readonly fragments: string[] = [];
  private readonly declarations: string[] = [];
  private readonly variables: [string, unknown][] = [];
  private fieldsLeft = FIELDS;

  constructor(
    private readonly schema: GraphQLSchema,
    private readonly draw: Draw,
    pool: Pool,
  ) {
    this.wildness = draw.pick(WILDNESS);
    this.values = new Values(draw, pool, this.wildness);
  }

  write({ kind, field: first }: { kind: FuzzOperation['kind']; field: string }): FuzzOperation {
    const { draw, wildness } = this;
    const type = {
      query: 'getQueryType',
      mutation: 'getMutationType',
      subscription: 'getSubscriptionType',
    } as const;
    const root = this.schema[type[kind]]();
    if (root == null) throw new Error(`the schema has no ${kind}`);
    const names = Object.keys(root.getFields());
    const further = kind === 'subscription' && !draw.chance(wildness) ? 0 : draw.pick([0, 0, 0, 1, 2]);
    const chosen = [first, ...draw.list(further, () => draw.pick(names))];
    if (draw.chance(wildness / 10)) chosen.push(...draw.list(200, () => first));
    const depth = draw.chance(wildness / 4) ? DEEP : DEPTH;
    const fields = chosen.map((name, i) => {
      const field = root.getFields()[name] as GraphQLField<unknown, unknown>;
      const alias = i > 0 || draw.chance(0.2) ? `a${draw.chance(wildness / 5) ? 0 : i}: ` : '';
      return `${alias}${this.call(field)}${this.directive()}${this.selection(field.type, depth)}`;
    });
    const body = [...fields, ...this.faults(root)].join(' ');
    const name = draw.chance(0.3) ? `Fuzzed${draw.int(10)}` : '';
    const declared = this.declarations.length > 0 ? `(${this.declarations.join(', ')})` : '';
    const named = draw.chance(wildness / 10) ? 'Missing' : name;
    return {
      kind,
      document: this.damaged([`${kind} ${name}${declared} { ${body} }`, ...this.fragments].join('\n')),
      variables: `{${this.variables.map(([key, value]) => `${JSON.stringify(key)}:${writeJson(value)}`).join(',')}}`,
      operationName: named === '' || draw.chance(0.5) ? null : named,
      fields: chosen.map((field) => `${root.name}.${field}`),
    };
  }

  private call({ name, args }: GraphQLField<unknown, unknown>): string {
    const { draw, wildness } = this;
    // Two of many, so that they contradict each other rarely.
    const likelihood = Math.min(0.35, 2 / args.length);
    const given = args.filter((arg) =>
      isRequiredArgument(arg) ? !draw.chance(wildness / 10) : draw.chance(likelihood),
    );
    const written = given.map((arg) => `${arg.name}: ${this.argument(arg)}`);
    if (draw.chance(wildness / 20)) written.push('unknownArgument: 1');
    if (draw.chance(wildness / 20) && written[0] !== undefined) written.push(written[0]);
    return `${name}${written.length > 0 ? `(${written.join(', ')})` : ''}`;
  }

  private argument({ name, type }: GraphQLArgument): string {
    const { draw, wildness } = this;
    const value = this.values.of(type, name);
    if (draw.chance(0.4)) return writeLiteral(value, type);
    const variable = `v${this.variables.length}`;
    const declared = draw.chance(wildness / 10)
      ? draw.pick(['Int', 'String!', '[ID!]!', 'Missing'])
      : String(type);
    const fallback = draw.chance(0.1) ? ` = ${writeLiteral(this.values.of(type, name), type)}` : '';
    this.declarations.push(`$${variable}: ${declared}${fallback}`);
    if (!draw.chance(wildness / 10)) this.variables.push([variable, value]);
    else this.variables.push([`absent${this.variables.length}`, value]);
    return `$${variable}`;
  }

  private selection(type: GraphQLOutputType, depth: number): string {
    const named = getNamedType(type);
    const { draw, wildness } = this;
    if (isLeafType(named)) return draw.chance(wildness / 50) ? ' { id }' : '';
    if (draw.chance(wildness / 50)) return '';
    if (depth <= 0 || this.fieldsLeft <= 0) return ' { __typename }';
    const types = isAbstractType(named) ? this.schema.getPossibleTypes(named) : [];
    const own = 'getFields' in named ? Object.values(named.getFields()) : [];
    const parts = this.some(own as GraphQLField<unknown, unknown>[], depth);
    for (const possible of types.filter(() => draw.chance(0.5))) {
      const inner = this.some(Object.values(possible.getFields()), depth).join(' ');
      parts.push(`... on ${possible.name}${this.directive()} { ${inner} }`);
    }
    const body = `{ ${parts.join(' ')} }`;
    if (!draw.chance(0.1)) return ` ${body}`;
    const name = `F${this.fragments.length}`;
    this.fragments.push('');
    const cycle = draw.chance(wildness / 20) ? ` ...${name}` : '';
    this.fragments[Number(name.slice(1))] =
      `fragment ${name} on ${named.name} { ${parts.join(' ')}${cycle} }`;
    return ` { ...${draw.chance(wildness / 20) ? 'Missing' : name} }`;
  }

  private some(fields: readonly GraphQLField<unknown, unknown>[], depth: number): string[] {
    const { draw } = this;
    const count = 1 + draw.int(4);
    const chosen = draw
      .list(count, () => draw.pick(fields))
      .filter((field, i, all) => all.indexOf(field) === i);
    this.fieldsLeft -= chosen.length;
    return chosen.map((field) => {
      const hasArguments = field.args.length > 0;
      // Fields with arguments would conflict with each other in merged selections.
      const alias = hasArguments ? `f${draw.int(1_000_000)}: ` : '';
      return `${alias}${this.call(field)}${this.directive()}${this.selection(field.type, depth - 1)}`;
    });
  }

  private directive(): string {
    const { draw, wildness } = this;
    if (draw.chance(0.03)) return ` @${draw.pick(['skip', 'include'])}(if: ${draw.chance(0.5)})`;
    return draw.chance(wildness / 30)
      ? ` ${draw.pick(['@skip', '@skip(if: null)', '@include(if: $missing)', '@unknown', '@deprecated', '@defer'])}`
      : '';
  }

  private faults(root: GraphQLObjectType): string[] {
    const { draw, wildness } = this;
    if (!draw.chance(wildness / 8)) return [];
    return [
      draw.pick([
        'unknownField',
        '__schema { types { name fields { name args { name type { name } } } } }',
        '__type(name: "Item") { possibleTypes { name } }',
        `__type(name: ${JSON.stringify('\u0000')}) { name }`,
        `... on ${root.name} { __typename }`,
        '... on Item { id }',
        '... { __typename }',
        '__typename '.repeat(3_000),
        `${'... { '.repeat(500)}__typename${' }'.repeat(500)}`,
      ]),
    ];
  }

  /** Rarely, the document with a part cut out or with something that is no token. */
  private damaged(document: string): string {
    const { draw, wildness } = this;
    if (!draw.chance(wildness / 10)) return document;
    const at = draw.int(document.length);
    const [before, after] = [document.slice(0, at), document.slice(at + draw.int(5))];
    return (
      before + draw.pick(['', '\u0000', '\ud800', '{', '}', '"', '"""', '$', '\ufeff', '#', '&']) + after
    );
  }
}
