import { type TarFile, tarOf } from './tar.js';

/** A file that the user gave. */
export interface ChosenFile {
  /** From the dropped or chosen folder on, with slashes; the name of a file that was given alone. */
  readonly path: string;
  readonly file: File;
}

/** Why a file is left out. */
type LeftOutReason = 'not-picture' | 'too-large' | 'alone';

/** What is uploaded of the chosen files. */
export interface Selection {
  readonly kind: 'data' | 'metadata' | 'pictures';
  /** For people: the name of the folder or file; null for loose pictures. */
  readonly name: string | null;
  /** The pictures to send; 0 for a data file, whose content is not known here. */
  readonly pictures: number;
  /** Bytes to send, without the headers of an archive. */
  readonly bytes: number;
  readonly leftOut: readonly { readonly path: string; readonly reason: LeftOutReason }[];
  /** The file to upload. */
  readonly pack: () => Promise<Blob>;
}

const PICTURE = /\.(jpe?g|png|webp|gif|avif|tiff?|svg)$/i;
const DATA = /\.(jsonl|ndjson|csv|tar|tgz|parquet)(\.gz)?$/i;
const METADATA = ['metadata.jsonl', 'metadata.csv'];
/** The limit of the server for a picture. */
export const MAX_PICTURE_BYTES = 20 * 2 ** 20;
const MAX_TEXT_BYTES = 2 ** 20;

/**
 * What the chosen files are, by the conventions of `commonspace ingest`: one file of rows, a folder with metadata, or pictures, with the first
 * folder on their way as class and `1.txt` beside `1.jpg` as text. Null if there is nothing to add.
 */
export function select(chosen: readonly ChosenFile[]): Selection | null {
  const visible = chosen.filter(({ path }) => !path.split('/').some((part) => part.startsWith('.')));
  const { folder, files } = withoutRoot(visible);
  const byPath = new Map(files.map((each) => [each.path, each.file]));
  const metadata = METADATA.find((name) => byPath.has(name));
  const pictures = files.filter(({ path }) => PICTURE.test(path));
  if (metadata !== undefined && pictures.length > 0) return described(folder, metadata, files);
  const data = files.find(({ path }) => DATA.test(path));
  if (pictures.length === 0) return data === undefined ? null : dataFile(data, files);
  return loose(folder, files);
}

function dataFile({ path, file }: ChosenFile, files: readonly ChosenFile[]): Selection {
  const others = files.filter((each) => each.path !== path);
  return {
    kind: 'data',
    name: file.name.replace(/(\.(jsonl|ndjson|csv|tar|tgz|parquet))?(\.gz)?$/i, ''),
    pictures: 0,
    bytes: file.size,
    leftOut: others.map((each) => ({ path: each.path, reason: 'alone' })),
    pack: async () => file,
  };
}

/** The metadata goes first and as it is: the server reads it. */
function described(folder: string | null, metadata: string, files: readonly ChosenFile[]): Selection {
  const rest = files.filter(({ path }) => path !== metadata);
  const { sent, leftOut } = parted(rest);
  const first = files.filter(({ path }) => path === metadata);
  return {
    kind: 'metadata',
    name: folder,
    pictures: sent.length,
    bytes: sizeOf([...first, ...sent]),
    leftOut,
    pack: async () => tarOf([...first, ...sent].map(({ path, file }) => ({ name: path, content: file }))),
  };
}

/** Pictures without metadata get metadata of their folders and of the texts beside them. */
function loose(folder: string | null, files: readonly ChosenFile[]): Selection {
  const stems = new Set(files.flatMap(({ path }) => (PICTURE.test(path) ? [stem(path)] : [])));
  const isCaption = ({ path, file }: ChosenFile) =>
    path.endsWith('.txt') && stems.has(stem(path)) && file.size <= MAX_TEXT_BYTES;
  const captions = new Map(files.filter(isCaption).map(({ path, file }) => [stem(path), file]));
  const { sent, leftOut } = parted(files.filter((each) => !isCaption(each)));
  return {
    kind: 'pictures',
    name: folder,
    pictures: sent.length,
    bytes: sizeOf(sent),
    leftOut,
    pack: async () => {
      const lines: string[] = [];
      for (const { path } of sent) {
        const [label, ...further] = path.split('/');
        const text = await captions.get(stem(path))?.text();
        lines.push(
          JSON.stringify({
            file_name: path,
            ...(further.length > 0 && { label }),
            ...(text !== undefined && { text: text.trim() }),
          }),
        );
      }
      const metadata: TarFile = { name: 'metadata.jsonl', content: new Blob([`${lines.join('\n')}\n`]) };
      return tarOf([metadata, ...sent.map(({ path, file }) => ({ name: path, content: file }))]);
    },
  };
}

function parted(files: readonly ChosenFile[]): {
  readonly sent: readonly ChosenFile[];
  readonly leftOut: Selection['leftOut'];
} {
  const sent: ChosenFile[] = [];
  const leftOut: { path: string; reason: LeftOutReason }[] = [];
  for (const each of files) {
    const { path, file } = each;
    if (!PICTURE.test(path)) leftOut.push({ path, reason: DATA.test(path) ? 'alone' : 'not-picture' });
    else if (file.size > MAX_PICTURE_BYTES) leftOut.push({ path, reason: 'too-large' });
    else sent.push(each);
  }
  return { sent: sent.sort((a, b) => (a.path < b.path ? -1 : 1)), leftOut };
}

/** The files from the one folder on that all of them are in. */
function withoutRoot(files: readonly ChosenFile[]): {
  readonly folder: string | null;
  readonly files: readonly ChosenFile[];
} {
  const root = files[0]?.path.split('/')[0];
  if (root === undefined || !files.every(({ path }) => path.startsWith(`${root}/`)))
    return { folder: null, files };
  return { folder: root, files: files.map((each) => ({ ...each, path: each.path.slice(root.length + 1) })) };
}

function stem(path: string): string {
  return path.slice(0, path.lastIndexOf('.'));
}

function sizeOf(files: readonly ChosenFile[]): number {
  return files.reduce((sum, { file }) => sum + file.size, 0);
}
