import type { Place } from './view.js';

/** The points of a map. Entry i of each array is of the same item. */
export interface Points {
  readonly count: number;
  /** 16 bytes each. */
  readonly ids: Uint8Array;
  /** x, y. */
  readonly positions: Float32Array;
  /** 0 an image, 1 a text. */
  readonly modalities: Uint8Array;
  /** The index of a class of the legend; NO_CLASS without one. */
  readonly classes: Uint8Array;
}

export const NO_CLASS = 255;

/** Where a point is. */
export function placeAt({ positions }: Points, index: number): Place {
  return [positions[2 * index] ?? 0, positions[2 * index + 1] ?? 0];
}

/** A page of points as the server sends it, in base64. */
interface SentPage {
  readonly count: number;
  readonly ids: string;
  readonly positions: string;
  readonly modalities: string;
  readonly classes: string;
}

/** Joins pages of points. */
export function readPoints(pages: readonly SentPage[]): Points {
  const count = pages.reduce((sum, page) => sum + page.count, 0);
  const bytes = (name: Exclude<keyof SentPage, 'count'>, size: number) => {
    const out = new Uint8Array(count * size);
    let at = 0;
    for (const page of pages) {
      const text = atob(page[name]);
      for (let i = 0; i < text.length; i += 1) out[at + i] = text.charCodeAt(i);
      at += text.length;
    }
    return out;
  };
  return {
    count,
    ids: bytes('ids', 16),
    // Float32Array reads the byte order of the machine: little-endian on every one that has a browser.
    positions: new Float32Array(bytes('positions', 8).buffer),
    modalities: bytes('modalities', 1),
    classes: bytes('classes', 1),
  };
}

/** The id of an item as the API writes it. */
export function idAt({ ids }: Pick<Points, 'ids'>, index: number): string {
  const hex = Array.from(ids.subarray(16 * index, 16 * index + 16), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** The index of an item; null if it has no point. */
export function indexOf({ ids, count }: Points, id: string): number | null {
  const wanted = Uint8Array.from(id.replaceAll('-', '').match(/../g) ?? [], (hex) =>
    Number.parseInt(hex, 16),
  );
  for (let i = 0; i < count; i += 1) {
    let at = 0;
    // The last bytes differ most.
    while (at < 16 && ids[16 * i + 15 - at] === wanted[15 - at]) at += 1;
    if (at === 16) return i;
  }
  return null;
}
