import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { pack } from 'tar-stream';
import type { BulkOptions } from '../../src/services/ingest/bulk/bulk-ingest.js';

/** Writes a tar file with these entries, in their order. */
export async function writeTar(
  path: string,
  entries: Readonly<Record<string, Buffer | string>>,
): Promise<void> {
  const archive = pack();
  const written = pipeline(archive, createWriteStream(path));
  for (const [name, content] of Object.entries(entries)) archive.entry({ name }, content);
  archive.finalize();
  await written;
}

export interface ParquetPicture {
  readonly path: string;
  readonly bytes: Buffer;
  readonly text: string;
  /** A number, as in the data sets of Hugging Face; its name is in the file's metadata. */
  readonly label: number;
}

/** Writes Parquet as the data sets of Hugging Face have it, two rows to a group. */
export async function writeParquet(
  path: string,
  rows: readonly ParquetPicture[],
  labels: readonly string[],
): Promise<void> {
  const features = { label: { names: labels, _type: 'ClassLabel' } };
  const buffer = parquetWriteBuffer({
    columnData: [
      {
        name: 'image',
        data: rows.map(({ path: name, bytes }) => ({ bytes: new Uint8Array(bytes), path: name })),
      },
      { name: 'text', data: rows.map(({ text }) => text) },
      { name: 'label', data: rows.map(({ label }) => BigInt(label)) },
    ],
    schema: [
      { name: 'root', num_children: 3 },
      { name: 'image', num_children: 2, repetition_type: 'OPTIONAL' },
      { name: 'bytes', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' },
      { name: 'path', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
      { name: 'text', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
      { name: 'label', type: 'INT64', repetition_type: 'OPTIONAL' },
    ],
    rowGroupSize: 2,
    kvMetadata: [{ key: 'huggingface', value: JSON.stringify({ info: { features } }) }],
  });
  await writeFile(path, Buffer.from(buffer));
}

/** All rows of a source, from the first on. */
export const ALL_ROWS: BulkOptions = {
  prefix: 'p',
  classColumn: 'label',
  classColumnRequired: false,
  confined: false,
  after: 0,
  only: null,
};
