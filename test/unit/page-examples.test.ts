import { readFileSync } from 'node:fs';
import { buildSchema, type ExecutableDefinitionNode, parse, specifiedRules, validate } from 'graphql';
import { getVariableValues } from 'graphql/execution/values.js';
import { describe, expect, it } from 'vitest';
import { EXAMPLES, operationOf } from '../../web/src/graphiql/examples.js';

const schema = buildSchema(readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8'));

describe('the examples of /graphiql', () => {
  it.each(EXAMPLES.map((example) => [example.name, example] as const))(
    'fit the schema, with their variables: %s',
    (_name, example) => {
      const document = parse(example.query);
      expect(validate(schema, document, specifiedRules)).toEqual([]);
      const [operation] = document.definitions as readonly ExecutableDefinitionNode[];
      expect(operation?.name?.value).toBe(operationOf(example));
      const given = example.variables === '' ? {} : JSON.parse(example.variables);
      const definitions = operation?.kind === 'OperationDefinition' ? operation.variableDefinitions : [];
      expect(getVariableValues(schema, definitions ?? [], given).errors).toBeUndefined();
      const names = definitions?.map(({ variable }) => variable.name.value);
      expect(Object.keys(given).toSorted()).toEqual(names?.toSorted());
    },
  );
});
