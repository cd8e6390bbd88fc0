import type { Painter } from './painter.js';

const VERTEX = `
attribute vec2 position;
attribute vec4 colour;
attribute float modality;
uniform vec2 centre;
uniform vec2 scale;
uniform float size;
varying vec4 tint;
varying float shape;
void main() {
  gl_Position = vec4((position - centre) * scale, 0.0, 1.0);
  gl_PointSize = colour.a == 0.0 ? 0.0 : size;
  tint = vec4(colour.rgb * colour.a, colour.a);
  shape = modality;
}`;

/** A picture is a square, a text a disc. */
const FRAGMENT = `
precision mediump float;
varying vec4 tint;
varying float shape;
void main() {
  if (tint.a == 0.0) discard;
  vec2 from = gl_PointCoord - 0.5;
  if (shape > 0.5 && dot(from, from) > 0.25) discard;
  gl_FragColor = tint;
}`;

/** Draws with WebGL: the graphics processor holds the points, so a frame sends only the view. Null where there is no WebGL. */
export function glPainter(canvas: HTMLCanvasElement): Painter | null {
  const gl = canvas.getContext('webgl', { antialias: false, premultipliedAlpha: true });
  if (gl === null) return null;
  const program = gl.createProgram();
  for (const [kind, source] of [
    [gl.VERTEX_SHADER, VERTEX],
    [gl.FRAGMENT_SHADER, FRAGMENT],
  ] as const) {
    const shader = gl.createShader(kind);
    if (shader === null) return null;
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) return null;
  // biome-ignore lint/correctness/useHookAtTopLevel: WebGL's own name
  gl.useProgram(program);
  gl.enable(gl.BLEND);
  gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  const attribute = (name: string, size: number, type: number, normalised: boolean) => {
    const buffer = gl.createBuffer();
    const at = gl.getAttribLocation(program, name);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.enableVertexAttribArray(at);
    gl.vertexAttribPointer(at, size, type, normalised, 0, 0);
    return (data: Float32Array | Uint8Array) => {
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      gl.bufferData(gl.ARRAY_BUFFER, data, gl.STATIC_DRAW);
    };
  };
  const setPositions = attribute('position', 2, gl.FLOAT, false);
  const setColours = attribute('colour', 4, gl.UNSIGNED_BYTE, true);
  const setModalities = attribute('modality', 1, gl.UNSIGNED_BYTE, false);
  const [centre, scale, sizeOf] = ['centre', 'scale', 'size'].map((name) =>
    gl.getUniformLocation(program, name),
  );
  let count = 0;
  return {
    kind: 'webgl',
    setPoints(points, colours) {
      count = points.count;
      setPositions(points.positions);
      setColours(colours);
      setModalities(points.modalities);
    },
    draw(view, { width, height }, pointSize) {
      gl.viewport(0, 0, canvas.width, canvas.height);
      gl.clear(gl.COLOR_BUFFER_BIT);
      gl.uniform2f(centre ?? null, view.x, view.y);
      gl.uniform2f(scale ?? null, (2 * view.scale) / width, (2 * view.scale) / height);
      gl.uniform1f(sizeOf ?? null, (pointSize * canvas.width) / Math.max(1, width));
      gl.drawArrays(gl.POINTS, 0, count);
    },
  };
}
