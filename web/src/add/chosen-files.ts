import type { ChosenFile } from './selection.js';

/** The files of an input; those of a chosen folder have their way from the folder on. */
export function inputFiles(input: HTMLInputElement): ChosenFile[] {
  return [...(input.files ?? [])].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
}

/** The files that were dropped, with those of dropped folders. Call it in the event: its data is gone afterwards. */
export async function droppedFiles(data: DataTransfer): Promise<ChosenFile[]> {
  const dropped = [...data.items]
    .filter(({ kind }) => kind === 'file')
    .map((item) => ({ entry: item.webkitGetAsEntry(), file: item.getAsFile() }));
  const found: ChosenFile[] = [];
  for (const { entry, file } of dropped) {
    if (entry?.isDirectory) await walk(entry as FileSystemDirectoryEntry, '', found);
    else if (file !== null) found.push({ path: file.name, file });
  }
  return found;
}

async function walk(folder: FileSystemDirectoryEntry, way: string, found: ChosenFile[]): Promise<void> {
  const at = `${way}${folder.name}/`;
  const reader = folder.createReader();
  // A reader gives a part of the entries at a time, and an empty list at the end.
  for (;;) {
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (entries.length === 0) return;
    for (const entry of entries) {
      if (entry.isDirectory) await walk(entry as FileSystemDirectoryEntry, at, found);
      else
        found.push({
          path: `${at}${entry.name}`,
          file: await new Promise<File>((resolve, reject) =>
            (entry as FileSystemFileEntry).file(resolve, reject),
          ),
        });
    }
  }
}
