import { type ReactNode, useEffect, useState } from 'react';
import { useMessages } from '../messages/index.js';
import { usePicturePart } from './picture-part.js';
import type { Part } from './search-state.js';

interface PictureDropProps {
  readonly onPart: (part: Part) => void;
  readonly children: ReactNode;
}

/** Takes pictures that are dropped on the page or pasted anywhere in it. */
export function PictureDrop({ onPart, children }: PictureDropProps) {
  const t = useMessages();
  const addPicture = usePicturePart(onPart);
  const [over, setOver] = useState(false);
  useEffect(() => {
    const onPaste = (event: ClipboardEvent) => {
      const picture = pictureOf(event.clipboardData);
      if (picture === null) return;
      event.preventDefault();
      void addPicture(picture);
    };
    const onDragOver = (event: DragEvent) => {
      if (!event.dataTransfer?.types.some((type) => type === 'Files' || type === 'text/uri-list')) return;
      event.preventDefault();
      setOver(true);
    };
    const onDragLeave = (event: DragEvent) => {
      if (event.relatedTarget === null) setOver(false);
    };
    const onDrop = (event: DragEvent) => {
      event.preventDefault();
      setOver(false);
      const picture = pictureOf(event.dataTransfer);
      if (picture !== null) return void addPicture(picture);
      const address = event.dataTransfer?.getData('text/uri-list').split('\n')[0]?.trim();
      if (address?.startsWith('http')) onPart({ kind: 'imageUrl', value: address, weight: 1 });
    };
    window.addEventListener('paste', onPaste);
    window.addEventListener('dragover', onDragOver);
    window.addEventListener('dragleave', onDragLeave);
    window.addEventListener('drop', onDrop);
    return () => {
      window.removeEventListener('paste', onPaste);
      window.removeEventListener('dragover', onDragOver);
      window.removeEventListener('dragleave', onDragLeave);
      window.removeEventListener('drop', onDrop);
    };
  }, [addPicture, onPart]);
  return (
    <>
      {children}
      {over && <div className="drop-cover">{t.search.drop}</div>}
    </>
  );
}

function pictureOf(data: DataTransfer | null): File | null {
  return [...(data?.files ?? [])].find(({ type }) => type.startsWith('image/')) ?? null;
}
