// Generates the typed documents of the client and of the page, and the input types that they use. The documents are strings, so that
// neither needs a parser or printer of GraphQL.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { codegen } from '@graphql-codegen/core';
import * as typedDocumentNode from '@graphql-codegen/typed-document-node';
import * as typescriptOperations from '@graphql-codegen/typescript-operations';
import { parse } from 'graphql';

const config = {
  useTypeImports: true,
  enumType: 'string-literal',
  strictScalars: true,
  immutableTypes: true,
  documentMode: 'string',
  scalars: { ID: 'string', DateTime: 'string', JSONObject: '{ readonly [key: string]: unknown }' },
};

const [output, ...files] = process.argv.slice(2);
if (output === undefined || files.length === 0) {
  throw new Error('usage: node scripts/generate-client-operations.mjs OUTPUT.ts OPERATIONS.graphql…');
}
const read = async (path) => parse(await readFile(path, 'utf8'));
const code = await codegen({
  filename: output,
  schema: await read('schema.graphql'),
  documents: await Promise.all(files.map(async (location) => ({ location, document: await read(location) }))),
  config,
  plugins: [{ typescriptOperations: {} }, { typedDocumentNode: {} }],
  pluginMap: { typescriptOperations, typedDocumentNode },
});
await mkdir(dirname(output), { recursive: true });
await writeFile(output, code);
