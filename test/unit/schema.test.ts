import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  buildSchema,
  type GraphQLNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { EVIDENCES } from '../../src/domain/evidence.js';

const root = new URL('../../', import.meta.url).pathname;
const schema = buildSchema(readFileSync(join(root, 'schema.graphql'), 'utf8'));

/** All types, fields, arguments and values of the schema by path, for example `Type.field(argument)`, with descriptions. */
function describedThings(type: GraphQLNamedType): [string, string | null | undefined][] {
  const things: [string, string | null | undefined][] = [[type.name, type.description]];
  if (isEnumType(type))
    things.push(
      ...type
        .getValues()
        .map((v): [string, string | null | undefined] => [`${type.name}.${v.name}`, v.description]),
    );
  if (isInputObjectType(type)) {
    for (const field of Object.values(type.getFields()))
      things.push([`${type.name}.${field.name}`, field.description]);
  }
  if (isObjectType(type) || isInterfaceType(type)) {
    for (const field of Object.values(type.getFields())) {
      things.push([`${type.name}.${field.name}`, field.description]);
      for (const arg of field.args) things.push([`${type.name}.${field.name}(${arg.name})`, arg.description]);
    }
  }
  return things;
}

const ours = Object.values(schema.getTypeMap()).filter(
  (type) => !type.name.startsWith('__') && !['String', 'Int', 'Float', 'Boolean', 'ID'].includes(type.name),
);

/** Lists whose default has grown with the enum: a search uses all kinds of evidence unless it names some. */
const GROWN_DEFAULTS: Readonly<Record<string, readonly string[]>> = {
  'Query.crossModalSearch(by)': EVIDENCES,
};

describe('schema.graphql', () => {
  it('has a description for each type, field, argument and value', () => {
    const missing = ours.flatMap(describedThings).filter(([, description]) => !description?.trim());
    expect(missing.map(([name]) => name)).toEqual([]);
  });

  const contract = join(
    process.env.COMMONSPACE_SHARED ?? join(root, '..', 'shared'),
    'contract',
    'core.graphql',
  );
  it.skipIf(!existsSync(contract))(
    'keeps every name and type of the public contract (skipped without its file)',
    () => {
      const core = buildSchema(readFileSync(contract, 'utf8'));
      for (const type of Object.values(core.getTypeMap()).filter((t) => !t.name.startsWith('__'))) {
        const present = schema.getType(type.name);
        expect(present?.astNode?.kind, type.name).toBe(type.astNode?.kind);
        if (isEnumType(type) && isEnumType(present)) {
          expect(present.getValues().map((v) => v.name)).toEqual(
            expect.arrayContaining(type.getValues().map((v) => v.name)),
          );
        }
        if (!('getFields' in type) || present === undefined || !('getFields' in present)) continue;
        const fields = present.getFields();
        for (const [name, field] of Object.entries(type.getFields())) {
          expect(String(fields[name]?.type), `${type.name}.${name}`).toBe(String(field.type));
          if (!('args' in field)) continue;
          const kept = fields[name];
          const args = kept !== undefined && 'args' in kept ? kept.args : [];
          for (const arg of field.args) {
            const found = args.find((candidate) => candidate.name === arg.name);
            expect(String(found?.type), `${type.name}.${name}(${arg.name})`).toBe(String(arg.type));
            const path = `${type.name}.${name}(${arg.name})`;
            const grown = GROWN_DEFAULTS[path];
            expect(found?.defaultValue, path).toEqual(grown ?? arg.defaultValue);
            // A list that has grown still has everything that the contract names.
            if (grown !== undefined)
              expect(grown, path).toEqual(expect.arrayContaining(arg.defaultValue as string[]));
          }
        }
      }
    },
  );
});
