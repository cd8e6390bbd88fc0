import { buildSchema, type OperationDefinitionNode, parse } from 'graphql';
import { expect, it } from 'vitest';
import { variablesShape } from '../../src/graphql/variables-shape.js';

const schema = buildSchema(`
  scalar JSON
  enum Kind { A B }
  input Part { text: String, all: [Part!], data: JSON }
  type Query { f(part: Part, parts: [Part], n: Int, flag: Boolean, kind: Kind, data: JSON): Int }
`);

function shape(declared: string, variables: Record<string, unknown>) {
  const [operation] = parse(`query Q(${declared}) { f }`).definitions;
  return variablesShape(schema, operation as OperationDefinitionNode, variables);
}

it('has types and lengths, and no values', () => {
  expect(
    shape('$part: Part!, $parts: [Part], $n: Int, $flag: Boolean, $kind: Kind, $data: JSON, $none: Int', {
      part: { text: 'a secret', data: { 'a name': 'b' }, unknown: 'x' },
      parts: [{ text: 'ab' }, { text: 'abc' }],
      n: 12,
      flag: true,
      kind: 'A',
      data: [1, 2],
      undeclared: 'x',
    }),
  ).toEqual({
    part: { text: 'string(8)', data: 'object(1)' },
    parts: { length: 2, first: { text: 'string(2)' } },
    n: 'number',
    flag: 'boolean',
    kind: 'string(1)',
    data: 'object(2)',
  });
});

it('has null, empty lists, a value in place of a list, and stops in deep inputs', () => {
  expect(shape('$part: Part, $parts: [Part]', { part: null, parts: [] })).toEqual({
    part: 'null',
    parts: { length: 0 },
  });
  expect(shape('$parts: [Part]', { parts: { text: 'abc' } })).toEqual({
    parts: { length: 1, first: { text: 'string(3)' } },
  });
  let deep: Record<string, unknown> = { text: 'secret' };
  for (let i = 0; i < 20; i += 1) deep = { all: [deep] };
  expect(JSON.stringify(shape('$part: Part', { part: deep }))).not.toMatch(/string/);
});
