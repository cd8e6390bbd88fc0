import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { CommonspaceError } from '../domain/errors.js';
import { opensGraphqlPage } from './accept.js';

/** The operations that callers may run: by id, e.g. the hash that a code generator gives each. */
export type TrustedDocuments = ReadonlyMap<string, string>;

const file = z.record(z.string(), z.string().min(1));

/** @throws CommonspaceError BAD_CONFIG if the file cannot be read or is not an object of documents by id */
export async function readTrustedDocuments(path: string): Promise<TrustedDocuments> {
  try {
    return new Map(Object.entries(file.parse(JSON.parse(await readFile(path, 'utf8')))));
  } catch (error) {
    throw new CommonspaceError(
      'BAD_CONFIG',
      `COMMONSPACE_TRUSTED_DOCUMENTS: ${path} cannot be read as a JSON object of documents by id.`,
      ['COMMONSPACE_TRUSTED_DOCUMENTS'],
      { cause: error },
    );
  }
}

type Parameters = { documentId?: unknown; query?: unknown };

/**
 * Runs only these documents, and those of the page. A request names one by `documentId` in place of `query`; the page sends its
 * documents as text.
 *
 * @param page by the hash of their text
 * @throws CommonspaceError UNTRUSTED_DOCUMENT
 */
export function registerTrustedDocuments(
  app: FastifyInstance,
  documents: TrustedDocuments,
  page: TrustedDocuments,
): void {
  app.addHook('preHandler', async (request) => {
    if (request.routeOptions.url !== '/graphql' || opensGraphqlPage(request)) return;
    const given = (request.method === 'GET' ? request.query : request.body) as Parameters | undefined | null;
    const document = given == null ? undefined : documentOf(given, documents, page);
    if (document === undefined || given == null) {
      throw new CommonspaceError(
        'UNTRUSTED_DOCUMENT',
        'This server runs known documents only: send the id of one as documentId.',
        ['documentId'],
      );
    }
    given.query = document;
    if (request.method === 'GET') request.raw.url = withQuery(request.url, document);
  });
}

function documentOf(
  { documentId, query }: Parameters,
  documents: TrustedDocuments,
  page: TrustedDocuments,
): string | undefined {
  if (typeof documentId === 'string') return documents.get(documentId) ?? page.get(documentId);
  if (documentId != null || typeof query !== 'string') return undefined;
  return page.get(createHash('sha256').update(query).digest('hex'));
}

/** The handlers read the parameters of a GET from its address. */
function withQuery(url: string, query: string): string {
  const [path = '', search = ''] = url.split('?');
  const parameters = new URLSearchParams(search);
  parameters.set('query', query);
  return `${path}?${parameters}`;
}
