import { canvasPainter } from './canvas-painter.js';
import { glPainter } from './gl-painter.js';
import type { Painter } from './painter.js';

/** The best painter that the browser has. */
export function createPainter(canvas: HTMLCanvasElement): Painter {
  return glPainter(canvas) ?? canvasPainter(canvas);
}
