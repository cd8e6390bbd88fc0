import { existsSync, truncateSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Matrix } from '../../src/domain/matrix.js';
import { createRandom, normals } from '../../src/encoder/math/random.js';
import { trainEncoder } from '../../src/encoder/training/train-encoder.js';
import type { TrainOptionsInput } from '../../src/encoder/types.js';
import { openRowFile } from '../../src/platform/row-file.js';
import { RowFileWriter } from '../../src/platform/row-file-writer.js';
import { SMALL_TRAINING, syntheticSource } from './encoder-source.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'commonspace-rows-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const path = (name: string) => join(folder, name);
const numbers = (rows: number, columns: number): Matrix => ({
  data: normals(rows * columns, 1, createRandom(7)),
  rows,
  columns,
});

async function store(matrix: Matrix, name = 'a.rows') {
  const writer = new RowFileWriter(path(name), matrix.columns);
  const half = Math.floor(matrix.rows / 2) * matrix.columns;
  await writer.append({ ...matrix, data: matrix.data.subarray(0, half), rows: half / matrix.columns });
  writer.appendSync({
    ...matrix,
    data: matrix.data.subarray(half),
    rows: matrix.rows - half / matrix.columns,
  });
  return writer.finish();
}

describe('a file of rows', () => {
  it('returns rows by position', async () => {
    const matrix = numbers(40, 3);
    const opened = openRowFile((await store(matrix)).file);
    expect([opened.rows, opened.columns]).toEqual([40, 3]);
    opened.verify('image');
    const { data } = opened.read(Int32Array.of(39, 4, 5, 6, 0));
    const row = (i: number) => [...matrix.data.subarray(i * 3, i * 3 + 3)];
    expect([...data]).toEqual([39, 4, 5, 6, 0].flatMap(row));
    opened.close();
  });

  it.each([
    ['that was cut', (file: string) => truncateSync(file, 300), 'has 300 bytes where 544 are expected'],
    ['that was cut within its header', (file: string) => truncateSync(file, 20), 'it has no header'],
  ])('%s is refused', async (_, damage, why) => {
    const { file } = await store(numbers(40, 3));
    damage(file);
    expect(() => openRowFile(file)).toThrow(why);
    expect(() => openRowFile(file)).toThrow(expect.objectContaining({ code: 'BAD_ROWS' }));
  });

  it('that was never completed is refused', async () => {
    const writer = new RowFileWriter(path('a.rows'), 3);
    await writer.append(numbers(40, 3));
    expect(() => openRowFile(path('a.rows'))).toThrow('it has no header');
    writer.discard();
    expect(existsSync(path('a.rows'))).toBe(false);
  });

  it('that was cut after it was opened is refused when it is read', async () => {
    const opened = openRowFile((await store(numbers(40, 3))).file);
    truncateSync(opened.file, 300);
    expect(() => opened.read(Int32Array.of(39))).toThrow(expect.objectContaining({ code: 'BAD_ROWS' }));
    opened.close();
  });

  it('whose rows were changed is refused', async () => {
    const { file } = await store(numbers(40, 3));
    const handle = await open(file, 'r+');
    await handle.write(Buffer.from(Float32Array.of(1).buffer), 0, 4, 100);
    await handle.close();
    const opened = openRowFile(file);
    expect(() => opened.verify('image')).toThrow(expect.objectContaining({ code: 'BAD_ROWS' }));
    opened.close();
  });

  it('names the row with a number that is not finite', async () => {
    const matrix = numbers(700_001, 1);
    matrix.data[700_000] = Number.NaN;
    const opened = openRowFile((await store(matrix)).file);
    expect(() => opened.verify('text')).toThrow('row 700000 of text has a number that is not finite');
    opened.close();
  });

  it.skipIf(!existsSync('/dev/full'))('says that the disk is full', async () => {
    const writer = new RowFileWriter('/dev/full', 3);
    const discarded = Object.assign(writer, { discard: () => {} });
    await expect(discarded.append(numbers(40, 3))).rejects.toMatchObject({ code: 'DISK_FULL' });
  });
});

describe('a training from files', () => {
  const few = syntheticSource(300, 4, 5);
  const options: TrainOptionsInput = { ...SMALL_TRAINING, epochs: 3 };

  it('gives the same bytes as one from memory, up to a size', async () => {
    const stored = {
      ...few,
      image: await store(few.image, 'image.rows'),
      text: await store(few.text, 'text.rows'),
    };
    const { bytes } = await trainEncoder(stored, options);
    expect(bytes).toEqual((await trainEncoder(few, options)).bytes);
  });

  it('fails for a file that was cut', async () => {
    const image = await store(few.image, 'image.rows');
    truncateSync(image.file, 1000);
    await expect(trainEncoder({ ...few, image }, options)).rejects.toMatchObject({ code: 'BAD_ROWS' });
  });

  it('is cancelled at once, and reports what was not expected', async () => {
    const image = await store(few.image, 'image.rows');
    const controller = new AbortController();
    const training = trainEncoder(
      { ...few, image },
      { ...options, epochs: 100_000 },
      {
        signal: controller.signal,
        onProgress: ({ kind }) => {
          if (kind === 'epoch') controller.abort();
        },
      },
    );
    await expect(training).rejects.toMatchObject({ code: 'CANCELLED' });
    const missing = { ...image, file: path('missing.rows') };
    await expect(trainEncoder({ ...few, image: missing }, options)).rejects.toThrow('ENOENT');
  });

  it('trains where there are fewer pairs than a batch', async () => {
    const tiny = syntheticSource(40, 4, 5);
    const image = await store(tiny.image, 'image.rows');
    const { epochs } = await trainEncoder({ ...tiny, image }, { ...options, batchSize: 256 });
    expect(epochs).toBe(3);
  });
});
