import type { Catalog } from '../../catalog/catalog.js';
import type { EncoderState } from '../../domain/encoder-status.js';
import { CommonspaceError } from '../../domain/errors.js';
import type { ImageExtractors, TextExtractors } from './extractors-in-use.js';

/** An extractor that is in use, the reason, and whether it can be opened. */
export interface ExtractorReport {
  readonly id: string;
  /** Whether it is the default of new trainings. */
  readonly configured: boolean;
  /** The encoders that were trained on it, or will be, the newest first. */
  readonly encoders: readonly { readonly id: string; readonly state: EncoderState }[];
  /** The number of items of its modality without a feature of it. */
  readonly lacking: number;
  /** Why it cannot be opened; null if it can. */
  readonly problem: string | null;
}

/** The configured extractor of a modality, then those of encoders, ordered by their newest encoder. */
export async function reportExtractors(
  catalog: Catalog,
  extractors: ImageExtractors | TextExtractors,
): Promise<ExtractorReport[]> {
  const rows = await catalog.encoders.list();
  const ids = new Set([extractors.byDefault.id, ...rows.map((row) => extractors.idIn(row))]);
  return await Promise.all(
    [...ids].map(async (id) => {
      const encoders = rows.filter((row) => extractors.idIn(row) === id);
      return {
        id,
        configured: id === extractors.byDefault.id,
        encoders: encoders.map((row) => ({ id: row.id, state: row.state })),
        lacking: await catalog.items.countWithoutFeature(id, extractors.modality),
        problem: await extractors.of(encoders[0] ?? null).then(() => null, explain),
      };
    }),
  );
}

/** The cause names the file; the message does not, because callers of the API see it. */
function explain(error: unknown): string {
  if (!(error instanceof CommonspaceError)) throw error;
  return error.cause instanceof Error ? error.cause.message : error.message;
}
