import sharp from 'sharp';

/** A small world of pictures and captions that tests can tell right from wrong in: coloured shapes. */

const COLOURS = {
  red: '#d62828',
  green: '#2a9d3a',
  blue: '#1d4ed8',
  yellow: '#f2c811',
  purple: '#7b2cbf',
  black: '#111111',
} as const;

const SHAPES = {
  circle: '<circle cx="32" cy="32" r="R"/>',
  square: '<rect x="X" y="X" width="W" height="W"/>',
  triangle: '<polygon points="32,Y0 X1,Y1 X0,Y1"/>',
  cross: '<path d="M28 X h8 v W h-8z M X 28 h W v8 h-W z"/>',
  ring: '<circle cx="32" cy="32" r="R" fill="none" stroke-width="6" stroke="C"/>',
} as const;

export type Colour = keyof typeof COLOURS;
export type Shape = keyof typeof SHAPES;
export const COLOUR_NAMES = Object.keys(COLOURS) as Colour[];
export const SHAPE_NAMES = Object.keys(SHAPES) as Shape[];
const SIZES = { small: 14, big: 26 } as const;

export interface ShapePair {
  readonly key: string;
  readonly png: Buffer;
  readonly caption: string;
  readonly shape: Shape;
  readonly colour: Colour;
}

/** Every shape in every colour and size, each with its caption: 60 pairs of 5 classes (the shapes), always the same. */
export async function shapePairs(): Promise<ShapePair[]> {
  const pairs: Promise<ShapePair>[] = [];
  for (const shape of SHAPE_NAMES) {
    for (const colour of COLOUR_NAMES) {
      for (const size of Object.keys(SIZES) as (keyof typeof SIZES)[]) {
        pairs.push(
          drawShape(shape, colour, SIZES[size]).then((png) => ({
            key: `${size}-${colour}-${shape}`,
            png,
            caption: `a ${size} ${colour} ${shape}`,
            shape,
            colour,
          })),
        );
      }
    }
  }
  return Promise.all(pairs);
}

/** A 64×64 PNG on white. */
export function drawShape(shape: Shape, colour: Colour, radius = 24): Promise<Buffer> {
  const near = 32 - radius;
  const far = 32 + radius;
  const body = SHAPES[shape]
    .replaceAll('X0', String(near))
    .replaceAll('X1', String(far))
    .replaceAll('Y0', String(near))
    .replaceAll('Y1', String(far))
    .replaceAll('X', String(near))
    .replaceAll('W', String(2 * radius))
    .replaceAll('R', String(radius))
    .replaceAll('"C"', `"${COLOURS[colour]}"`);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64" fill="${COLOURS[colour]}">${body}</svg>`;
  return sharp(Buffer.from(svg)).flatten({ background: 'white' }).png().toBuffer();
}
