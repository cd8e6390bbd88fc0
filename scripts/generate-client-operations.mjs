// Generates the typed documents of src/client/operations.graphql, and the input types that they use. The documents are strings,
// so that the client needs no parser or printer of GraphQL.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { codegen } from '@graphql-codegen/core';
import * as typedDocumentNode from '@graphql-codegen/typed-document-node';
import * as typescriptOperations from '@graphql-codegen/typescript-operations';
import { parse } from 'graphql';

const SCHEMA = new URL('../schema.graphql', import.meta.url);
const OPERATIONS = new URL('../src/client/operations.graphql', import.meta.url);
const OUTPUT = new URL('../src/__generated__/client-operations.ts', import.meta.url);

const config = {
  useTypeImports: true,
  enumType: 'string-literal',
  strictScalars: true,
  immutableTypes: true,
  documentMode: 'string',
  scalars: { ID: 'string', DateTime: 'string', JSONObject: '{ readonly [key: string]: unknown }' },
};

export async function generateClientOperations() {
  const [schema, operations] = await Promise.all(
    [SCHEMA, OPERATIONS].map(async (url) => parse(await readFile(url, 'utf8'))),
  );
  const code = await codegen({
    filename: OUTPUT.pathname,
    schema,
    documents: [{ location: OPERATIONS.pathname, document: operations }],
    config,
    plugins: [{ typescriptOperations: {} }, { typedDocumentNode: {} }],
    pluginMap: { typescriptOperations, typedDocumentNode },
  });
  await mkdir(new URL('.', OUTPUT), { recursive: true });
  await writeFile(OUTPUT, code);
}

if (process.argv[1] === new URL(import.meta.url).pathname) await generateClientOperations();
