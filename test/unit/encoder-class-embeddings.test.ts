import { describe, expect, it } from 'vitest';
import { aboutEncoder } from '../../src/encoder/inference/serialise.js';
import { gather } from '../../src/encoder/math/matrix.js';
import { chooseClassEmbeddings, namesHaveWords } from '../../src/encoder/training/class-embeddings.js';
import { trainInThisThread } from '../../src/encoder/training/trainer.js';
import { syntheticSource } from './encoder-source.js';

const row = (...numbers: number[]) => Float32Array.from(numbers);
const text = gather([row(1, 0), row(3, 0), row(0, 4), row(9, 9)]);
const labels = Int32Array.of(0, 0, 1, -1);
const nameFeatures = gather([row(1, 2, 3), row(3, 2, 1)]);

describe('class embeddings', () => {
  it('come from names that contain words', () => {
    const chosen = chooseClassEmbeddings({ classTexts: ['cat', 'dog'], nameFeatures, text, labels });
    expect(chosen).toEqual({ embeddings: nameFeatures, kind: 'name' });
  });

  it.each<[string, readonly string[], typeof nameFeatures | null]>([
    ['are numbers', ['1', '2'], nameFeatures],
    ['are empty', ['', 'dog'], gather([row(0, 0, 0), row(0, 0, 0)])],
    ['are in another feature space than the texts', ['cat', 'dog'], null],
    ['have the same feature', ['cat', 'chat'], gather([row(1, 2, 3), row(1, 2, 3)])],
  ])('are the mean features of each class’s texts if the names %s', (_, classTexts, features) => {
    const chosen = chooseClassEmbeddings({ classTexts, nameFeatures: features, text, labels });
    expect(chosen).toEqual({ embeddings: gather([row(2, 0), row(0, 4)]), kind: 'text-mean' });
  });

  it('are the mean of the other classes for a class without texts', () => {
    const chosen = chooseClassEmbeddings({ classTexts: ['1', '2', '3'], nameFeatures: null, text, labels });
    expect(chosen.embeddings).toEqual(gather([row(2, 0), row(0, 4), row(1, 2)]));
  });

  it('are one-hot if the texts of all classes have the same mean', () => {
    const same = gather([row(1, 1), row(1, 1), row(1, 1), row(1, 1)]);
    const chosen = chooseClassEmbeddings({ classTexts: ['1', '2'], nameFeatures: null, text: same, labels });
    expect(chosen).toEqual({ embeddings: gather([row(1, 0), row(0, 1)]), kind: 'one-hot' });
    const none = Int32Array.of(-1, -1, -1, -1);
    const unlabelled = { classTexts: ['1', '2'], nameFeatures: null, text, labels: none };
    expect(chooseClassEmbeddings(unlabelled).kind).toBe('one-hot');
  });

  it('are empty if there is no class', () => {
    const chosen = chooseClassEmbeddings({ classTexts: [], nameFeatures: null, text, labels });
    expect([chosen.embeddings.rows, chosen.kind]).toEqual([0, null]);
  });
});

it.each<[readonly string[], boolean]>([
  [['cat', 'dog'], true],
  [['1984', 'Animal Farm'], true],
  [['猫', '犬'], true],
  [['0', '1'], false],
  [['', ''], false],
  [['class 1', 'class 2'], false],
  [['label_03', 'c7', 'Topic #4'], false],
  [['cat', 'cat '], false],
  [['art', '2', '3'], false],
  [[], false],
])('tells whether names contain words: %j', (names, expected) => {
  expect(namesHaveWords(names)).toBe(expected);
});

it('have their kind stored with the encoder, and a note if they are not from names', async () => {
  const source = syntheticSource(60, 3, 5);
  const options = {
    preset: 'paper',
    dimension: 4,
    epochs: 1,
    imageHidden: [8],
    textHidden: [8],
    tune: 'none',
  } as const;
  const kinds = ['name', 'text-mean', 'one-hot'] as const;
  for (const classEmbeddingKind of kinds) {
    const trained = await trainInThisThread({ ...source, classEmbeddingKind }, options);
    expect(trained.classEmbeddingKind).toBe(classEmbeddingKind);
    expect(aboutEncoder(trained.bytes)).toMatchObject({ classEmbeddingKind });
    expect(trained.notes).toEqual(
      classEmbeddingKind === 'name' ? [] : [expect.stringContaining('class embedding')],
    );
  }
});
