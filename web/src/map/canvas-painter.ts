import type { Painter } from './painter.js';
import type { Points } from './points.js';

/** Draws on a plain canvas, where there is no WebGL. */
export function canvasPainter(canvas: HTMLCanvasElement): Painter {
  const context = canvas.getContext('2d');
  let points: Points | null = null;
  let colours = new Uint8Array();
  return {
    kind: 'canvas',
    setPoints(next, nextColours) {
      points = next;
      colours = new Uint8Array(nextColours);
    },
    draw(view, { width, height }, pointSize) {
      if (!context || !points) return;
      const ratio = canvas.width / Math.max(1, width);
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.clearRect(0, 0, width, height);
      for (let i = 0; i < points.count; i += 1) {
        const opacity = colours[4 * i + 3] ?? 0;
        const x = ((points.positions[2 * i] ?? 0) - view.x) * view.scale + width / 2;
        const y = height / 2 - ((points.positions[2 * i + 1] ?? 0) - view.y) * view.scale;
        if (opacity === 0 || x < 0 || x > width || y < 0 || y > height) continue;
        const [red, green, blue] = colours.subarray(4 * i, 4 * i + 3);
        context.fillStyle = `rgb(${red} ${green} ${blue} / ${opacity / 255})`;
        if (points.modalities[i] === 0)
          context.fillRect(x - pointSize / 2, y - pointSize / 2, pointSize, pointSize);
        else {
          context.beginPath();
          context.arc(x, y, pointSize / 2, 0, 2 * Math.PI);
          context.fill();
        }
      }
    },
  };
}
