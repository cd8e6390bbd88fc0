import type { Points } from './points.js';
import type { Size, View } from './view.js';

/** Draws points: with WebGL, or without it on a plain canvas. */
export interface Painter {
  readonly kind: 'webgl' | 'canvas';
  /** @param colours red, green, blue and opacity of each point, 0 to 255; a point of opacity 0 is not drawn */
  setPoints(points: Points, colours: Uint8Array): void;
  draw(view: View, size: Size, pointSize: number): void;
}
