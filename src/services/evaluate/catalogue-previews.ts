import { readFile } from 'node:fs/promises';
import type { Items } from '../../catalog/repositories/items.js';
import { CommonspaceError } from '../../domain/errors.js';
import type { MediaStore } from '../../media/media-store.js';
import type { PreviewOf } from '../../reports/previews.js';

/** Pixels of a picture in a report: sharp enough on a fine screen, a few kilobytes each. */
const WIDTH = 128;
/** A picture that is heavier than this even so is left out: its title stands for it. */
const MAX_BYTES = 40_000;

/** Pictures and texts of a catalogue's items, which the rows' ids name; of an item that is gone there is nothing to show. */
export function cataloguePreviews(
  items: Pick<Items, 'byId'>,
  media: Pick<MediaStore, 'thumbnail'>,
): PreviewOf {
  return async ({ id }) => {
    const item = id === null ? null : await items.byId(id);
    if (item === null) return { picture: null, text: null };
    if (item.modality === 'TEXT') return { picture: null, text: item.text };
    return { picture: await pictureOf(media, item.contentHash), text: item.title };
  };
}

async function pictureOf(media: Pick<MediaStore, 'thumbnail'>, sha256: string): Promise<string | null> {
  try {
    const { path, mediaType } = await media.thumbnail(sha256, WIDTH);
    const bytes = await readFile(path);
    return bytes.length > MAX_BYTES ? null : `data:${mediaType};base64,${bytes.toString('base64')}`;
  } catch (error) {
    // Whatever is wrong with one picture, the figures are worth a report.
    if (error instanceof CommonspaceError || (error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
