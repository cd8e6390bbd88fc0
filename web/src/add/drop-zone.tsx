import { FolderUp, Upload } from 'lucide-react';
import { type ChangeEvent, useCallback, useRef, useState } from 'react';
import { useMessages } from '../messages/index.js';
import { messageOf } from '../ui/notice.js';
import { showToast } from '../ui/toasts.js';
import { useDrop } from '../ui/use-drop.js';
import { droppedFiles, inputFiles } from './chosen-files.js';
import { type ChosenFile, MAX_PICTURE_BYTES } from './selection.js';
import { sizeText } from './size.js';

interface DropZoneProps {
  /** Megabytes that the server takes at once; null while they are not known. */
  readonly limit: number | null;
  readonly onFiles: (files: readonly ChosenFile[]) => void;
}

const DROPPED = ['Files'];

/** Takes files and folders that are dropped anywhere on the page, or chosen. */
export function DropZone({ limit, onFiles }: DropZoneProps) {
  const t = useMessages();
  const [reading, setReading] = useState(false);
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const onDrop = useCallback(
    (data: DataTransfer) => {
      setReading(true);
      droppedFiles(data)
        .then(onFiles, (error: unknown) => showToast({ text: messageOf(error), tone: 'error' }))
        .finally(() => setReading(false));
    },
    [onFiles],
  );
  const over = useDrop(DROPPED, onDrop);
  const onChange = (event: ChangeEvent<HTMLInputElement>) => {
    const chosen = inputFiles(event.currentTarget);
    if (chosen.length > 0) onFiles(chosen);
  };
  return (
    <section className={`drop-zone ${over ? 'over' : ''}`} aria-busy={reading}>
      <Upload aria-hidden size={32} />
      <h2>{reading ? t.add.reading : t.add.drop}</h2>
      <p className="faint">{t.add.hint}</p>
      <div className="item-actions">
        <button type="button" className="primary" onClick={() => files.current?.click()}>
          <Upload aria-hidden size={16} />
          {t.add.chooseFiles}
        </button>
        <button type="button" onClick={() => folder.current?.click()}>
          <FolderUp aria-hidden size={16} />
          {t.add.chooseFolder}
        </button>
      </div>
      <input ref={files} type="file" multiple hidden aria-label={t.add.chooseFiles} onChange={onChange} />
      <input
        ref={folder}
        type="file"
        webkitdirectory=""
        hidden
        aria-label={t.add.chooseFolder}
        onChange={onChange}
      />
      {limit !== null && (
        <p className="faint">
          {t.add.limit(sizeText(limit * 2 ** 20, t.locale), sizeText(MAX_PICTURE_BYTES, t.locale))}
        </p>
      )}
    </section>
  );
}
