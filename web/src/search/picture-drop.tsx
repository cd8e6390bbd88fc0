import { type ReactNode, useCallback, useEffect } from 'react';
import { useMessages } from '../messages/index.js';
import { useDrop } from '../ui/use-drop.js';
import { usePicturePart } from './picture-part.js';
import type { Part } from './search-state.js';

interface PictureDropProps {
  readonly onPart: (part: Part) => void;
  readonly children: ReactNode;
}

const DROPPED = ['Files', 'text/uri-list'];

/** Takes pictures that are dropped on the page or pasted anywhere in it. */
export function PictureDrop({ onPart, children }: PictureDropProps) {
  const t = useMessages();
  const addPicture = usePicturePart(onPart);
  useEffect(() => {
    const onPaste = (event: ClipboardEvent) => {
      const picture = pictureOf(event.clipboardData);
      if (picture === null) return;
      event.preventDefault();
      void addPicture(picture);
    };
    window.addEventListener('paste', onPaste);
    return () => window.removeEventListener('paste', onPaste);
  }, [addPicture]);
  const onDrop = useCallback(
    (data: DataTransfer) => {
      const picture = pictureOf(data);
      if (picture !== null) return void addPicture(picture);
      const address = data.getData('text/uri-list').split('\n')[0]?.trim();
      if (address?.startsWith('http')) onPart({ kind: 'imageUrl', value: address, weight: 1 });
    },
    [addPicture, onPart],
  );
  const over = useDrop(DROPPED, onDrop);
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
