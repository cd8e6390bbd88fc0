import { count } from './en-count.js';

/** Texts of the part about classes. */
export const classes = {
  find: 'Find a class',
  kind: 'Kind of class',
  all: 'All',
  seen: 'seen',
  unseen: 'unseen',
  seenHint: 'The active encoder was trained with this class.',
  unseenHint: 'The active encoder was not trained with this class. It is found by its name.',
  count: (n: number) => count(n, 'class', 'classes'),
  none: 'There is no class yet',
  noneFound: (text: string) => `No class has “${text}” in its name`,
  missing: 'There is no such class. It may have been deleted.',
  newName: 'Name of the class',
  description: 'What the name means (optional)',
  create: 'Create a class',
  fitsNothing: (name: string) => `“${name}” finds no picture that fits.`,
  preview: (name: string) => `“${name}” finds:`,
  items: 'Items of this class',
  noItems: 'No item has this class.',
  found: 'Closest pictures without this class',
  nearest: 'Closest classes',
  measures: 'How well the encoder tells it',
  figures: (i2t: string, t2i: string, chance: string) =>
    `Average precision ${i2t} from pictures to texts, ${t2i} from texts to pictures; by chance ${chance}.`,
  measuredOn: (images: number, texts: number) =>
    `Measured on ${count(images, 'held-out picture', 'held-out pictures')} and ${count(texts, 'text', 'texts')}.`,
  notMeasured: 'The latest evaluation of the active encoder has no held-out pair of this class.',
  alone:
    'All pictures and texts that were measured together have this class, so its average precision says nothing.',
  confusedWith: 'Confused with',
  confused: (names: string) => `Most confused with ${names}.`,
  rename: 'Rename',
  merge: 'Merge into another class',
  mergeNow: 'Merge',
  into: 'Name of the other class',
  remove: 'Delete the class',
  confirm: (name: string) => `Items keep everything but the class ${name}.`,
};
