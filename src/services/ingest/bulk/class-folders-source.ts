import type { Dirent } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { throwIfCancelled } from '../../../domain/errors.js';
import { LIMITS } from '../../../domain/limits.js';
import { isPictureName } from './picture-names.js';
import { failedContent, type RowContent, type RowSource } from './row-source.js';
import { readingFailed } from './source-bytes.js';

/** A file of the folder, with the class that its folder names. */
interface FolderFile {
  /** From the folder, with slashes. */
  readonly name: string;
  readonly label: string | null;
  /** Whether a text of the same name lies beside it. */
  readonly hasText: boolean;
}

/**
 * A folder with a folder per class: each picture is a row, its class the first folder on its way. `1.txt` beside `1.jpg` is its text. Files
 * that are not pictures are skipped. In the order of the names, so that an ordinal means the same file while the folder stays.
 */
export function classFoldersSource(folder: string): RowSource {
  return {
    folder,
    async count(signal) {
      let count = 0;
      for await (const _ of files(folder, signal)) count += 1;
      return count;
    },
    async *rows(signal) {
      let ordinal = 0;
      for await (const file of files(folder, signal)) {
        ordinal += 1;
        // Pictures are read when there is room for them.
        yield { ordinal, reference: file.name, content: await contentOf(folder, file), bytes: 0 };
      }
    },
  };
}

/** All files besides texts of pictures. Folders that are links are not followed, because they can lead back. */
async function* files(
  root: string,
  signal: AbortSignal | undefined,
  at = '',
  label: string | null = null,
): AsyncGenerator<FolderFile> {
  throwIfCancelled(signal);
  const all = await readdir(join(root, at), { withFileTypes: true }).catch((error: unknown) => {
    throw readingFailed(error);
  });
  const entries = all.filter(({ name }) => !name.startsWith('.'));
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  const pictures = new Set(entries.filter((entry) => isPicture(entry)).map(({ name }) => stem(name)));
  const texts = new Set(entries.filter(({ name }) => name.endsWith('.txt')).map(({ name }) => stem(name)));
  for (const entry of entries) {
    const name = at === '' ? entry.name : `${at}/${entry.name}`;
    if (entry.isDirectory()) yield* files(root, signal, name, label ?? entry.name);
    else if (isPicture(entry)) yield { name, label, hasText: texts.has(stem(entry.name)) };
    else if (!entry.name.endsWith('.txt') || !pictures.has(stem(entry.name)))
      yield { name, label, hasText: false };
  }
}

function isPicture(entry: Dirent): boolean {
  return !entry.isDirectory() && isPictureName(entry.name);
}

function stem(name: string): string {
  return name.slice(0, name.lastIndexOf('.'));
}

async function contentOf(folder: string, { name, label, hasText }: FolderFile): Promise<RowContent> {
  if (!isPictureName(name)) return { kind: 'skipped' };
  const columns: Record<string, unknown> = { file_name: name, ...(label !== null && { label }) };
  if (!hasText) return { kind: 'row', columns, pictures: [] };
  const path = join(folder, `${stem(name)}.txt`);
  try {
    // A text has four bytes a character at most.
    if ((await stat(path)).size > 4 * LIMITS.textCharacters)
      return failedContent(
        'TEXT_TOO_LONG',
        `${stem(name)}.txt has more than ${LIMITS.textCharacters} characters.`,
      );
    return {
      kind: 'row',
      columns: { ...columns, text: (await readFile(path, 'utf8')).trim() },
      pictures: [],
    };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return failedContent('FILE_MISSING', `The file ${stem(name)}.txt cannot be read (${code}).`);
  }
}
