import type { Items } from '../../catalog/repositories/items.js';
import { CommonspaceError } from '../../domain/errors.js';
import type { MediaStore } from '../../media/media-store.js';
import type { PreviewOf } from '../../reports/previews.js';

/** Width of a picture in a report, in pixels: sharp on a dense screen, at a few kilobytes. */
const WIDTH = 128;
/** A larger picture is left out, and its title is shown instead. */
const MAX_BYTES = 40_000;

/** The pictures and texts of a catalogue's items, by their ids; empty for an item that was deleted. */
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
    const thumbnail = await media.thumbnail(sha256, WIDTH);
    const bytes = await thumbnail.read();
    return bytes.length > MAX_BYTES ? null : `data:${thumbnail.mediaType};base64,${bytes.toString('base64')}`;
  } catch (error) {
    // A report with its figures is written even if a picture cannot be read.
    if (error instanceof CommonspaceError) return null;
    throw error;
  }
}
