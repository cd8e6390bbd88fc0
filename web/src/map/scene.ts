import { createPainter } from './create-painter.js';
import type { Painter } from './painter.js';
import { PointGrid, within } from './point-grid.js';
import { type Points, placeAt } from './points.js';
import { fitted, moved, type Place, type Size, toMap, toScreen, type View, zoomed } from './view.js';

/** How near the pointer must be to a point, in pixels. */
const REACH_PX = 12;
const LEAST_POINT_PX = 2;
const MOST_POINT_PX = 12;

/** What is drawn over the points. */
export interface Marks {
  /** Where the query falls. */
  readonly query: Place | null;
  /** Places that are ringed: the nearest items. */
  readonly rings: readonly Place[];
  /** The point that the pointer is at, or the one that a list shows. */
  readonly hovered: Place | null;
}

/** The drawing of a map: points below, marks above. It draws once a frame at most. */
export class Scene {
  readonly painter: Painter;
  private points: Points | null = null;
  private colours = new Uint8Array();
  private grid: PointGrid | null = null;
  private view: View = { x: 0, y: 0, scale: 1 };
  private whole = 1;
  private size: Size = { width: 1, height: 1 };
  private marks: Marks = { query: null, rings: [], hovered: null };
  private outline: readonly Place[] = [];
  private frame: number | null = null;

  constructor(
    private readonly below: HTMLCanvasElement,
    private readonly above: HTMLCanvasElement,
  ) {
    this.painter = createPainter(below);
  }

  /** Shows points, all of them if they are other ones than before. */
  setPoints(points: Points, colours: Uint8Array): void {
    const isNew = this.points?.positions !== points.positions;
    this.points = points;
    this.colours = new Uint8Array(colours);
    this.painter.setPoints(points, colours);
    if (isNew) {
      this.grid = new PointGrid(points.positions);
      this.fit();
    }
    this.draw();
  }

  setMarks(marks: Marks): void {
    this.marks = marks;
    this.draw();
  }

  /** Places in pixels of the drawing. */
  setOutline(outline: readonly Place[]): void {
    this.outline = outline;
    this.draw();
  }

  resize(size: Size): void {
    const before = this.size;
    this.size = size;
    for (const canvas of [this.below, this.above]) {
      canvas.width = Math.round(size.width * devicePixelRatio);
      canvas.height = Math.round(size.height * devicePixelRatio);
    }
    if (before.width <= 1) this.fit();
    this.draw();
  }

  fit(): void {
    if (this.points) this.view = fitted(this.points.positions, this.size);
    this.whole = this.view.scale;
    this.draw();
  }

  move(dx: number, dy: number): void {
    this.view = moved(this.view, dx, dy);
    this.draw();
  }

  /** @param around in pixels; the middle if it is not given */
  zoom(factor: number, around: Place = [this.size.width / 2, this.size.height / 2]): void {
    const scale = Math.min(this.whole * 2_000, Math.max(this.whole / 2, this.view.scale * factor));
    this.view = zoomed(this.view, this.size, scale / this.view.scale, around);
    this.draw();
  }

  /** The point at a place of the drawing. */
  at(place: Place): number | null {
    const radius = REACH_PX / this.view.scale;
    return this.grid?.nearest(toMap(this.view, this.size, place), radius, this.isShown) ?? null;
  }

  /** The points within an outline in pixels of the drawing. */
  inside(outline: readonly Place[]): number[] {
    if (!this.points || outline.length < 3) return [];
    const places = outline.map((place) => toMap(this.view, this.size, place));
    return within(this.points.positions, places, this.isShown);
  }

  /** The points that the drawing shows at present. */
  visible(): number[] {
    const { width, height } = this.size;
    return this.inside([
      [0, 0],
      [width, 0],
      [width, height],
      [0, height],
    ]);
  }

  placeOf(index: number): Place | null {
    return this.points && placeAt(this.points, index);
  }

  /** Ends the drawing. */
  stop(): void {
    if (this.frame !== null) cancelAnimationFrame(this.frame);
  }

  private readonly isShown = (index: number) => (this.colours[4 * index + 3] ?? 0) > 0;

  private draw(): void {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      const size =
        LEAST_POINT_PX * Math.sqrt(this.view.scale / this.whole) * densityOf(this.points?.count ?? 0);
      this.painter.draw(this.view, this.size, Math.min(MOST_POINT_PX, Math.max(LEAST_POINT_PX, size)));
      this.drawMarks();
    });
  }

  private drawMarks(): void {
    const context = this.above.getContext('2d');
    if (!context) return;
    const { color: ink, accentColor: accent } = getComputedStyle(this.above);
    const ratio = this.above.width / Math.max(1, this.size.width);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.size.width, this.size.height);
    context.lineWidth = 2;
    context.strokeStyle = accent;
    const circle = (place: Place, radius: number) => {
      const [x, y] = toScreen(this.view, this.size, place);
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      context.stroke();
    };
    for (const ring of this.marks.rings) circle(ring, 7);
    context.strokeStyle = ink;
    if (this.marks.hovered) circle(this.marks.hovered, 9);
    if (this.marks.query) {
      const [x, y] = toScreen(this.view, this.size, this.marks.query);
      context.beginPath();
      for (const [dx, dy] of [
        [12, 0],
        [0, 12],
      ] as const) {
        context.moveTo(x - dx, y - dy);
        context.lineTo(x + dx, y + dy);
      }
      context.stroke();
    }
    if (this.outline.length > 1) {
      context.strokeStyle = accent;
      context.setLineDash([5, 4]);
      context.beginPath();
      for (const [x, y] of this.outline) context.lineTo(x, y);
      context.closePath();
      context.stroke();
      context.setLineDash([]);
    }
  }
}

/** Fewer points are drawn larger. */
function densityOf(count: number): number {
  return Math.min(3, Math.max(1, Math.sqrt(30_000 / Math.max(1, count))));
}
