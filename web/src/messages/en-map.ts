const plural = new Intl.PluralRules('en');
const number = new Intl.NumberFormat('en');

const count = (n: number, one: string, other: string): string =>
  `${number.format(n)} ${plural.select(n) === 'one' ? one : other}`;

/** Texts of the map. */
export const map = {
  label: (n: number) =>
    `Map of ${count(n, 'item', 'items')}. Arrow keys move it, plus and minus zoom, 0 shows all of it, Escape clears the selection.`,
  items: (n: number) => count(n, 'item', 'items'),
  tool: 'What dragging does',
  move: 'Move',
  lasso: 'Select',
  zoomIn: 'Zoom in',
  zoomOut: 'Zoom out',
  fit: 'Show all',
  selectVisible: 'Select what is visible',
  hint: 'Drag to move, turn the wheel to zoom. With Shift, dragging draws an outline that selects.',
  noWebgl: 'This browser has no WebGL. The map is drawn without it, which is slower with many items.',
  details: 'Details',
  hoverHint: 'Point at the map to see an item.',
  legend: 'Largest classes',
  shapes: '■ picture ● text; grey: other classes',
  textSign: 'T',
  search: 'Show where a text falls',
  nearest: (text: string) => `Nearest to “${text}”`,
  nowhere: 'The nearest items have no point on the map yet.',
  searchWithFirst: (n: number) => `Search with the first ${n}`,
  plane: 'principal plane',
  neighbours: 'neighbours together (t-SNE)',
  newItems: (n: number) => `${count(n, 'item is', 'items are')} newer than the map`,
  compute: 'Compute again',
  computing: 'Being computed…',
  begin: 'Compute the map',
  missing: 'There is no map yet',
  missingHint: 'The server computes it once for each version of the encoder. It takes about half a minute.',
  noEncoder: 'No encoder is active',
  unknownEncoder: 'There is no such encoder',
  noEncoderHint: 'The map shows the common space of an encoder. Train one and activate it.',
};
