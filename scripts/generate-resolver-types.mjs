// Generates resolver types from schema.graphql, so that a resolver that does not match the schema does not compile. It calls
// the core of graphql-codegen directly, because the command line package has about 300 more dependencies.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { codegen } from '@graphql-codegen/core';
import * as typescript from '@graphql-codegen/typescript';
import * as typescriptResolvers from '@graphql-codegen/typescript-resolvers';
import { parse } from 'graphql';

const OUTPUT = new URL('../src/__generated__/resolver-types.ts', import.meta.url);

const config = {
  useTypeImports: true,
  enumsAsTypes: true,
  strictScalars: true,
  immutableTypes: true,
  makeResolverTypeCallable: true,
  inputMaybeValue: 'T | null | undefined',
  contextType: '../graphql/context.js#GraphqlContext',
  scalars: {
    ID: 'string',
    DateTime: { input: 'Date', output: 'Date' },
    JSONObject: '{ readonly [key: string]: unknown }',
  },
  mappers: {
    Node: '../graphql/models.js#NodeModel',
    Item: '../services/models.js#ItemRow',
    ImageItem: '../services/models.js#ImageRow',
    TextItem: '../services/models.js#TextRow',
    ItemChange: '../graphql/models.js#ItemChangeModel',
    ItemConnection: '../graphql/models.js#ItemConnectionModel',
    ClassConnection: '../graphql/models.js#ClassConnectionModel',
    EncoderConnection: '../graphql/models.js#EncoderConnectionModel',
    Job: '../services/models.js#JobRow',
    JobFailure: '../services/models.js#JobFailure as JobFailureModel',
    JobConnection: '../graphql/models.js#JobConnectionModel',
    ApiKey: '../services/models.js#ApiKeyRow',
    ApiKeyConnection: '../graphql/models.js#ApiKeyConnectionModel',
    DuplicateMember: '../graphql/models.js#DuplicateMemberModel',
    Facets: '../graphql/models.js#FacetsModel',
    Class: '../services/models.js#ClassRow',
    Evaluation: '../services/models.js#EncoderEvaluationRow',
    EvaluationPart: '../services/models.js#PartRecord',
    MethodFigures: '../services/models.js#MethodFigures as MethodFiguresModel',
    PrecisionRecallCurve: '../services/models.js#MethodCurve',
    Encoder: '../services/models.js#EncoderRow',
    SearchConnection: '../graphql/models.js#SearchConnectionModel',
    SearchEdge: '../graphql/models.js#SearchEdgeModel',
  },
};

export async function generateResolverTypes() {
  const schema = parse(await readFile(new URL('../schema.graphql', import.meta.url), 'utf8'));
  const code = await codegen({
    filename: OUTPUT.pathname,
    schema,
    documents: [],
    config,
    plugins: [{ typescript: {} }, { typescriptResolvers: {} }],
    pluginMap: { typescript, typescriptResolvers },
  });
  await mkdir(new URL('.', OUTPUT), { recursive: true });
  await writeFile(OUTPUT, code);
}

if (process.argv[1] === new URL(import.meta.url).pathname) await generateResolverTypes();
