/** What part of a map is shown: the point in the middle, and pixels a unit. */
export interface View {
  readonly x: number;
  readonly y: number;
  readonly scale: number;
}

/** The size of the drawing in CSS pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

export type Place = readonly [x: number, y: number];

const MARGIN_PX = 24;

/** Shows all points. */
export function fitted(positions: Float32Array, { width, height }: Size): View {
  if (positions.length === 0) return { x: 0, y: 0, scale: 1 };
  let [left, right, bottom, top] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let i = 0; i < positions.length; i += 2) {
    const x = positions[i] ?? 0;
    const y = positions[i + 1] ?? 0;
    if (x < left) left = x;
    if (x > right) right = x;
    if (y < bottom) bottom = y;
    if (y > top) top = y;
  }
  const scale = Math.min(
    Math.max(1, width - 2 * MARGIN_PX) / (right - left || 1),
    Math.max(1, height - 2 * MARGIN_PX) / (top - bottom || 1),
  );
  return { x: (left + right) / 2, y: (bottom + top) / 2, scale };
}

/** From pixels of the drawing to the map. */
export function toMap(view: View, { width, height }: Size, [px, py]: Place): Place {
  return [view.x + (px - width / 2) / view.scale, view.y - (py - height / 2) / view.scale];
}

/** From the map to pixels of the drawing. */
export function toScreen(view: View, { width, height }: Size, [x, y]: Place): Place {
  return [(x - view.x) * view.scale + width / 2, height / 2 - (y - view.y) * view.scale];
}

/** Moves the drawing by pixels. */
export function moved(view: View, dx: number, dy: number): View {
  return { ...view, x: view.x - dx / view.scale, y: view.y + dy / view.scale };
}

/** Zooms, so that the point under a pixel stays there. */
export function zoomed(view: View, size: Size, factor: number, around: Place): View {
  const [x, y] = toMap(view, size, around);
  const scale = view.scale * factor;
  return { x: x + (view.x - x) / factor, y: y + (view.y - y) / factor, scale };
}
