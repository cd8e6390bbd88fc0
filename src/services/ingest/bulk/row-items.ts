import { constants } from 'node:fs';
import { access, realpath } from 'node:fs/promises';
import { isAbsolute, normalize, resolve, sep } from 'node:path';
import { CommonspaceError } from '../../../domain/errors.js';
import type { ImageSource } from '../../serving/image-source.js';
import { checkIngestInput, type IngestInput } from '../ingest-input.js';
import { type RowColumns, readColumns } from './row-columns.js';
import type { RowContent, RowSource, SourcePicture } from './row-source.js';

export interface RowOptions {
  /** What external ids begin with. */
  readonly prefix: string;
  /** The column with the classes, besides `classes`. */
  readonly classColumn: string;
  /** Whether files that are links to outside of the folder are refused. */
  readonly confined: boolean;
}

/** What a row is stored as. All its items are one pair. */
export interface RowItems {
  readonly images: readonly IngestInput[];
  readonly texts: readonly IngestInput[];
}

type Row = Extract<RowContent, { kind: 'row' }>;

/**
 * Turns the rows of a source into items. Rows must come in their order, from the first on, because further texts of one picture are
 * numbered.
 */
export class RowReader {
  /** Texts of each named picture so far. */
  private readonly captions = new Map<string, number>();

  constructor(
    private readonly source: Pick<RowSource, 'folder' | 'needsPicture'>,
    private readonly options: RowOptions,
  ) {}

  /** What is needed of a row that is not read: it was stored before. */
  pass(row: Row): void {
    try {
      const columns = readColumns(row.columns, this.options.classColumn);
      this.numbers(nameOf(columns, row.pictures), columns.texts.length);
    } catch {
      // A malformed row has no texts.
    }
  }

  /** @throws CommonspaceError BAD_ROW, FILE_MISSING, or the error of a field. Nothing of the row is to be stored then. */
  async read(row: Row, ordinal: number): Promise<RowItems> {
    const { prefix, classColumn } = this.options;
    const columns = readColumns(row.columns, classColumn);
    const name = nameOf(columns, row.pictures);
    const numbers = this.numbers(name, columns.texts.length);
    const pictures = await this.picturesOf(columns, row.pictures);
    if (pictures.length === 0 && (columns.texts.length === 0 || this.source.needsPicture))
      throw nothingIn(this.source);
    const key = columns.externalId ?? (name === null ? null : `${prefix}/${name}`);
    const isPair = pictures.length + columns.texts.length > 1;
    const common = {
      // Other rows of a named picture belong to its pair.
      pairKey:
        columns.pairKey ?? (name === null ? null : key) ?? (isPair ? (key ?? `${prefix}#${ordinal}`) : null),
      metadata: {
        ...(columns.imageUrl !== null && sourceOf(columns.imageUrl)),
        ...columns.metadata,
        ...(name !== null && { file: name }),
      },
      ...(columns.classes !== null && { classes: columns.classes }),
    };
    const items = {
      images: pictures.map(({ source, name: own }, i) => ({
        ...common,
        content: source,
        externalId:
          i === 0 ? key : own !== '' ? `${prefix}/${own}` : key === null ? null : `${key}#image${i + 1}`,
        title: columns.title ?? (own === '' ? name : own),
      })),
      texts: columns.texts.map((text, i) => ({
        ...common,
        content: { text },
        externalId: textKey(key, pictures.length > 0 || name !== null, numbers[i] ?? 1),
        ...(columns.title !== null && { title: columns.title }),
      })),
    };
    for (const item of [...items.images, ...items.texts]) checkIngestInput(item, []);
    return items;
  }

  /** The numbers of the texts among all texts of a picture, from 1. */
  private numbers(name: string | null, texts: number): number[] {
    const before = name === null ? 0 : (this.captions.get(name) ?? 0);
    if (name !== null && texts > 0) this.captions.set(name, before + texts);
    return Array.from({ length: texts }, (_, i) => before + i + 1);
  }

  private async picturesOf(
    { imageUrl, imageBase64, mediaId, fileName }: RowColumns,
    own: readonly SourcePicture[],
  ): Promise<readonly SourcePicture[]> {
    if (own.length > 0) return own;
    const name = fileName ?? '';
    const source: ImageSource | null =
      imageUrl !== null
        ? { imageUrl }
        : imageBase64 !== null
          ? { imageBase64 }
          : mediaId !== null
            ? { mediaId }
            : null;
    if (source !== null) return [{ name, source }];
    if (fileName === null) return [];
    const { folder } = this.source;
    if (folder === null) {
      throw new CommonspaceError(
        'BAD_ROW',
        'The source has no files beside it, so file_name needs image_url, image_base64 or media_id.',
        ['file_name'],
      );
    }
    return [{ name, source: { path: await this.fileOf(folder, fileName) } }];
  }

  private async fileOf(folder: string, fileName: string): Promise<string> {
    const root = resolve(folder);
    const path = resolve(root, normalize(fileName));
    if (isAbsolute(fileName) || !path.startsWith(root + sep)) throw outside(fileName);
    try {
      await access(path, constants.R_OK);
      if (this.options.confined && !(await realpath(path)).startsWith((await realpath(root)) + sep))
        throw outside(fileName);
      return path;
    } catch (error) {
      if (error instanceof CommonspaceError) throw error;
      throw new CommonspaceError('FILE_MISSING', `The file ${fileName} does not exist or cannot be read.`, [
        'file_name',
      ]);
    }
  }
}

/** The name of a row's picture; null for a row without a named picture. */
function nameOf({ fileName }: RowColumns, pictures: readonly SourcePicture[]): string | null {
  const name = pictures.find((picture) => picture.name !== '')?.name ?? fileName;
  return name === undefined || name === '' ? null : name;
}

/** Where a picture was fetched from. What can hold a secret, such as the signature of an address, is left out. */
function sourceOf(imageUrl: string): { readonly source?: string } {
  if (!URL.canParse(imageUrl)) return {};
  const { origin, pathname } = new URL(imageUrl);
  return { source: origin + pathname };
}

/** A text alone has the row's own id. */
function textKey(key: string | null, beside: boolean, number: number): string | null {
  if (key === null || (!beside && number === 1)) return key;
  return `${key}#text${number === 1 ? '' : number}`;
}

function nothingIn({ needsPicture }: Pick<RowSource, 'needsPicture'>): CommonspaceError {
  const missing = needsPicture ? 'no file_name' : 'neither a picture nor a text';
  return new CommonspaceError('BAD_ROW', `The row has ${missing}.`, ['file_name']);
}

function outside(fileName: string): CommonspaceError {
  return new CommonspaceError('BAD_ROW', `The file ${fileName} lies outside the folder.`, ['file_name']);
}
