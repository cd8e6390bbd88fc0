import type { Catalog } from '../../catalog/catalog.js';
import type { EncoderState } from '../../domain/encoder-status.js';
import { CommonspaceError } from '../../domain/errors.js';
import type { ImageExtractors } from './image-extractors.js';

/** An image extractor that is in use: why, and whether it works. */
export interface ExtractorReport {
  readonly id: string;
  /** Whether new trainings use it unless told otherwise. */
  readonly configured: boolean;
  /** The encoders that were, or are to be, trained on it, the newest first. */
  readonly encoders: readonly { readonly id: string; readonly state: EncoderState }[];
  /** Images that have no feature of it. */
  readonly lacking: number;
  /** Why it cannot be opened; null where it can. */
  readonly problem: string | null;
}

/** The configured image extractor, then those that encoders read, by the newest of these. */
export async function reportExtractors(
  catalog: Catalog,
  images: ImageExtractors,
): Promise<ExtractorReport[]> {
  const rows = await catalog.encoders.list();
  const ids = new Set([images.byDefault.id, ...rows.map((row) => row.imageExtractor)]);
  return await Promise.all(
    [...ids].map(async (id) => {
      const encoders = rows.filter((row) => row.imageExtractor === id);
      return {
        id,
        configured: id === images.byDefault.id,
        encoders: encoders.map((row) => ({ id: row.id, state: row.state })),
        lacking: await catalog.items.countWithoutFeature(id, 'IMAGE'),
        problem: await images.of(encoders[0] ?? null).then(() => null, explain),
      };
    }),
  );
}

/** The cause names the file at fault, which is kept from callers of the API. */
function explain(error: unknown): string {
  if (!(error instanceof CommonspaceError)) throw error;
  return error.cause instanceof Error ? error.cause.message : error.message;
}
