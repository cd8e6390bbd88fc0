import type { Dispatcher } from 'undici';
import { z } from 'zod';
import { CommonspaceError } from '../../domain/errors.js';
import { GRAPH_NAMES, SETTING_FILES } from '../onnx/known-files.js';
import type { HubModel } from '../onnx/model-name.js';

/** Bytes of the hub's answer about a repository at most. */
const MOST_BYTES = 16 * 2 ** 20;

const hex = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`));
const answerSchema = z.looseObject({
  sha: hex(40),
  siblings: z.array(
    z.looseObject({
      rfilename: z.string(),
      size: z.int().nonnegative().optional(),
      blobId: hex(40).optional(),
      lfs: z.looseObject({ sha256: hex(64), size: z.int().nonnegative() }).optional(),
    }),
  ),
});

/** A file of a repository, with the hash that the hub knows: sha256 of large files, git's blob hash of small ones. */
export interface HubFile {
  readonly path: string;
  readonly bytes: number | null;
  readonly sha256: string | null;
  readonly blob: string | null;
}

/** The commit of a revision, and the files of it that an extractor reads. */
export interface HubListing {
  readonly commit: string;
  readonly files: readonly HubFile[];
}

export function listingPath({ repository, revision }: HubModel): string {
  return `/api/models/${repository}/revision/${encodeURIComponent(revision ?? 'main')}?blobs=true`;
}

/** @throws CommonspaceError MODEL_UNAVAILABLE if the answer is malformed, or the repository has no ONNX graph of the variant */
export async function readListing(
  { body }: Dispatcher.ResponseData,
  { repository, variant }: HubModel,
): Promise<HubListing> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    total += chunk.length;
    if (total > MOST_BYTES) throw unavailable('the hub lists too many files');
    chunks.push(chunk);
  }
  const parsed = answerSchema.safeParse(parseJson(Buffer.concat(chunks).toString('utf8')));
  if (!parsed.success) throw unavailable('the hub gives a malformed list of files');
  const { sha, siblings } = parsed.data;
  const ending = variant === null ? '' : `_${variant}`;
  const graphs = GRAPH_NAMES.map((name) => `onnx/${name}${ending}.onnx`);
  const found = graphs.filter((path) => siblings.some(({ rfilename }) => rfilename === path));
  if (found.length === 0) {
    const others = siblings.map(({ rfilename }) => rfilename).filter((path) => path.endsWith('.onnx'));
    throw unavailable(
      `${repository} has no graph ${graphs.join(' or ')}; its graphs are ${others.join(', ') || 'none'}`,
    );
  }
  // A model of two towers needs no graph of both.
  const towers = found.length > 1 ? found.filter((path) => path !== `onnx/model${ending}.onnx`) : found;
  const wanted = (path: string) =>
    SETTING_FILES.some((name) => name === path) ||
    towers.some((graph) => path === graph || path.startsWith(`${graph}_data`));
  const files = siblings.flatMap(({ rfilename, size, blobId, lfs }) =>
    wanted(rfilename)
      ? [
          {
            path: rfilename,
            bytes: lfs?.size ?? size ?? null,
            sha256: lfs?.sha256 ?? null,
            blob: lfs === undefined ? (blobId ?? null) : null,
          },
        ]
      : [],
  );
  return { commit: sha, files };
}

/** The reason of a failed download; `downloadModel` adds what to do. */
export function unavailable(reason: string): CommonspaceError {
  return new CommonspaceError('MODEL_UNAVAILABLE', reason);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
