import {
  type ClassFieldsFragment,
  type Client,
  createClient,
  type SearchQuery,
  type SearchQueryVariables,
} from '../../client/index.js';
import { CommonspaceError, throwIfCancelled } from '../../domain/errors.js';
import { BulkIngest } from '../../services/ingest/bulk/bulk-ingest.js';
import type {
  Backend,
  ClassChangeBackend,
  ClassList,
  CliQuery,
  CliSearch,
  Found,
  FoundItem,
  ShownExplanation,
} from './backend.js';
import { remoteEncoders } from './remote-encoders.js';
import { calling } from './remote-errors.js';
import { remoteImport } from './remote-import.js';
import { RemoteIngest } from './remote-ingest.js';
import { remoteJobs } from './remote-jobs.js';
import { remoteTraining } from './remote-training.js';

/** The backend by the API of a server. */
export function remoteBackend(url: string, key: string | null): Backend {
  const client = createClient({ url, key });
  const encoders = remoteEncoders(client);
  return {
    encoders,
    training: remoteTraining(client, encoders),
    jobs: remoteJobs(client),
    classChanges: classChanges(client),
    ingest: (source, options) => new BulkIngest(new RemoteIngest(client)).run(source, options),
    search: (request, { explain, signal }) => search(client, request, explain, signal),
    classes: (part, first) => classes(client, part, first),
    importCatalogue: (file, options) => remoteImport(client, file, options),
    backup: ({ signal }) => download(client.backup({ signal }), signal),
    exportCatalogue: ({ signal }) => download(client.exportCatalogue({ signal }), signal),
  };
}

type Edge = SearchQuery['crossModalSearch']['edges'][number];

async function search(
  client: Client,
  { query, target, by, classNames, first, minScore }: CliSearch,
  explain: boolean,
  signal: AbortSignal,
): Promise<Found> {
  const variables: SearchQueryVariables = {
    query: queryOf(query),
    target,
    by,
    first,
    explain,
    ...(classNames !== null && { filter: { classNames } }),
    ...(minScore === 'auto' ? { cutOff: 'AUTO' } : { minScore }),
  };
  const page = await calling(client.search(variables, { signal }));
  const results = page.edges.map((edge) => foundItem(client, edge, explain));
  return { mode: page.mode, encoder: page.encoderVersion, results };
}

/** A picture is sent with the query: an upload would be stored. */
function queryOf(query: CliQuery): SearchQueryVariables['query'] {
  return 'bytes' in query ? { imageBase64: query.bytes.toString('base64') } : query;
}

function foundItem(client: Client, { node, rank, score, explanation }: Edge, explain: boolean): FoundItem {
  return {
    rank,
    score,
    id: node.id,
    modality: node.modality,
    externalId: node.externalId,
    title: node.title,
    text: node.__typename === 'TextItem' ? node.text : null,
    file: typeof node.metadata.file === 'string' ? node.metadata.file : null,
    classes: node.classes.map(({ name }) => name),
    thumbnail: node.__typename === 'ImageItem' ? client.address(node.thumbnail) : null,
    ...(explain && { explanation: shown(explanation) }),
  };
}

function shown(explanation: Edge['explanation']): ShownExplanation | null {
  if (explanation == null) return null;
  return {
    similarity: explanation.similarity,
    classes: explanation.classes.map(({ class: { name }, querySimilarity, itemSimilarity }) => ({
      name,
      query: querySimilarity,
      item: itemSimilarity,
    })),
    pairs: explanation.pairs.map(({ image, text, querySimilarity, itemSimilarity }) => ({
      image: image.title ?? image.externalId ?? image.id,
      text: text.text,
      query: querySimilarity,
      item: itemSimilarity,
    })),
  };
}

async function classes(client: Client, part: string | null, first: number): Promise<ClassList> {
  const { totalCount, nodes } = await calling(client.classes({ search: part, first }));
  return {
    totalCount,
    classes: nodes.map(({ id, name, description, images, texts, seen }) => ({
      id,
      name,
      description,
      images,
      texts,
      seen,
    })),
  };
}

function classChanges(client: Client): ClassChangeBackend {
  return {
    rename: (name, newName, description) =>
      calling(client.renameClass({ name, newName, description })).then(namedClass),
    merge: (from, into) => calling(client.mergeClasses({ from: [...from], into })).then(namedClass),
    delete: (name) => calling(client.deleteClass({ name })),
  };
}

const namedClass = ({ id, name, description }: ClassFieldsFragment) => ({ id, name, description });

/** The chunks of an answer. @throws CommonspaceError if the connection is lost before its end */
async function download(
  answer: Promise<ReadableStream<Uint8Array>>,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  const stream = await calling(answer);
  return (async function* () {
    try {
      // The type of the library for browsers has no iterator.
      yield* stream as unknown as AsyncIterable<Uint8Array>;
    } catch (error) {
      throwIfCancelled(signal);
      throw new CommonspaceError(
        'SERVER_UNREACHABLE',
        'The connection to the server was lost before the end.',
        ['server'],
        {
          cause: error,
        },
      );
    }
  })();
}
