import { Maximize, ScanSearch, ZoomIn, ZoomOut } from 'lucide-react';
import { type KeyboardEvent, type PointerEvent, useEffect, useRef, useState } from 'react';
import { useMessages } from '../messages/index.js';
import { Segments } from '../ui/segments.js';
import type { Points } from './points.js';
import { type Marks, Scene } from './scene.js';
import type { Place } from './view.js';

interface MapCanvasProps {
  readonly points: Points;
  /** See coloursOf. */
  readonly colours: Uint8Array;
  readonly marks: Omit<Marks, 'hovered'>;
  /** The point that a list shows. */
  readonly shown: Place | null;
  readonly onHover: (index: number | null) => void;
  readonly onSelect: (indices: readonly number[]) => void;
}

type Tool = 'move' | 'lasso';
const STEP_PX = 60;
const ZOOM_STEP = 1.5;
/** A pointer that moves less has clicked. */
const CLICK_PX = 4;

/** The points of a map: drag to move, turn the wheel to zoom, draw an outline to select. The arrow keys, + − and 0 do the same. */
export function MapCanvas({ points, colours, marks, shown, onHover, onSelect }: MapCanvasProps) {
  const t = useMessages();
  const below = useRef<HTMLCanvasElement>(null);
  const above = useRef<HTMLCanvasElement>(null);
  const scene = useRef<Scene | null>(null);
  const pointers = useRef(new Map<number, Place>());
  const outline = useRef<Place[] | null>(null);
  const travelled = useRef(0);
  const [tool, setTool] = useState<Tool>('move');
  const [hovered, setHovered] = useState<number | null>(null);
  const [isPlain, setPlain] = useState(false);

  useEffect(() => {
    const canvas = above.current;
    if (!below.current || !canvas) return;
    const made = new Scene(below.current, canvas);
    scene.current = made;
    setPlain(made.painter.kind === 'canvas');
    const resize = () => made.resize({ width: canvas.clientWidth, height: canvas.clientHeight });
    resize();
    const sizes = new ResizeObserver(resize);
    sizes.observe(canvas);
    // React's own listener could not keep the page from scrolling.
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      made.zoom(Math.exp(-event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.0015)), [
        event.offsetX,
        event.offsetY,
      ]);
    };
    canvas.addEventListener('wheel', onWheel, { passive: false });
    return () => {
      sizes.disconnect();
      canvas.removeEventListener('wheel', onWheel);
      made.stop();
    };
  }, []);
  useEffect(() => scene.current?.setPoints(points, colours), [points, colours]);
  useEffect(() => {
    const place = hovered === null ? null : (scene.current?.placeOf(hovered) ?? null);
    scene.current?.setMarks({ ...marks, hovered: place ?? shown });
  }, [marks, shown, hovered]);

  const hover = (index: number | null) => {
    if (index === hovered) return;
    setHovered(index);
    onHover(index);
  };
  const onPointerDown = (event: PointerEvent) => {
    above.current?.setPointerCapture(event.pointerId);
    const place = placeOf(event);
    pointers.current.set(event.pointerId, place);
    travelled.current = 0;
    const draws = (tool === 'lasso' || event.shiftKey) && pointers.current.size === 1;
    outline.current = draws ? [place] : null;
  };
  const onPointerMove = (event: PointerEvent) => {
    const place = placeOf(event);
    const before = pointers.current.get(event.pointerId);
    if (!before) return hover(scene.current?.at(place) ?? null);
    const [dx, dy] = [place[0] - before[0], place[1] - before[1]];
    travelled.current += Math.abs(dx) + Math.abs(dy);
    const others = [...pointers.current].filter(([id]) => id !== event.pointerId);
    pointers.current.set(event.pointerId, place);
    const [other] = others.map(([, each]) => each);
    if (other) {
      scene.current?.zoom(apart(place, other) / Math.max(1, apart(before, other)), middle(place, other));
      return scene.current?.move(dx / 2, dy / 2);
    }
    if (!outline.current) return scene.current?.move(dx, dy);
    outline.current.push(place);
    return scene.current?.setOutline(outline.current);
  };
  const onPointerUp = (event: PointerEvent) => {
    if (!pointers.current.delete(event.pointerId)) return;
    const drawn = outline.current;
    outline.current = null;
    scene.current?.setOutline([]);
    if (travelled.current < CLICK_PX) {
      const index = scene.current?.at(placeOf(event)) ?? null;
      hover(index);
      onSelect(index === null ? [] : [index]);
    } else if (drawn) onSelect(scene.current?.inside(drawn) ?? []);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const actions: Readonly<Record<string, () => void>> = {
      ArrowLeft: () => scene.current?.move(STEP_PX, 0),
      ArrowRight: () => scene.current?.move(-STEP_PX, 0),
      ArrowUp: () => scene.current?.move(0, STEP_PX),
      ArrowDown: () => scene.current?.move(0, -STEP_PX),
      '+': () => scene.current?.zoom(ZOOM_STEP),
      '=': () => scene.current?.zoom(ZOOM_STEP),
      '-': () => scene.current?.zoom(1 / ZOOM_STEP),
      '0': () => scene.current?.fit(),
      Escape: () => onSelect([]),
    };
    const action = event.ctrlKey || event.metaKey || event.altKey ? undefined : actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  };
  const tools = [
    { name: t.map.zoomIn, icon: ZoomIn, act: () => scene.current?.zoom(ZOOM_STEP) },
    { name: t.map.zoomOut, icon: ZoomOut, act: () => scene.current?.zoom(1 / ZOOM_STEP) },
    { name: t.map.fit, icon: Maximize, act: () => scene.current?.fit() },
  ];
  return (
    <div className="map-drawing">
      <div className="map-tools">
        <Segments
          label={t.map.tool}
          value={tool}
          options={[
            ['move', t.map.move],
            ['lasso', t.map.lasso],
          ]}
          onChange={setTool}
        />
        {tools.map(({ name, icon: Icon, act }) => (
          <button key={name} type="button" className="icon" title={name} aria-label={name} onClick={act}>
            <Icon aria-hidden size={18} />
          </button>
        ))}
        <button type="button" className="quiet" onClick={() => onSelect(scene.current?.visible() ?? [])}>
          <ScanSearch aria-hidden size={16} />
          {t.map.selectVisible}
        </button>
      </div>
      <div
        className={`map-area ${tool}`}
        role="application"
        aria-label={t.map.label(points.count)}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the keys move and zoom the map
        tabIndex={0}
        onKeyDown={onKeyDown}
      >
        <canvas ref={below} aria-hidden />
        <canvas
          ref={above}
          aria-hidden
          className="map-marks"
          data-testid="map"
          onPointerDown={onPointerDown}
          onPointerMove={onPointerMove}
          onPointerUp={onPointerUp}
          onPointerCancel={onPointerUp}
          onPointerLeave={() => hover(null)}
        />
      </div>
      <p className="faint map-hint">{isPlain ? t.map.noWebgl : t.map.hint}</p>
    </div>
  );
}

function placeOf({ nativeEvent }: PointerEvent): Place {
  return [nativeEvent.offsetX, nativeEvent.offsetY];
}

function apart([ax, ay]: Place, [bx, by]: Place): number {
  return Math.hypot(ax - bx, ay - by);
}

function middle([ax, ay]: Place, [bx, by]: Place): Place {
  return [(ax + bx) / 2, (ay + by) / 2];
}
