import { useRef } from 'react';
import { useMessages } from '../messages/index.js';
import type { PageItem } from './page-item.js';

/** How many times its size a small picture is shown, and in how many pixels at least. */
const LARGEST = 4;
const SMALLEST = 320;

/** The picture, which opens in its full size, or the text. */
export function ItemView({ item }: { readonly item: PageItem }) {
  const t = useMessages();
  const dialog = useRef<HTMLDialogElement>(null);
  const name = item.title ?? t.common.image;
  if (item.__typename === 'TextItem') {
    return (
      <div className="item-text" lang={item.language ?? undefined}>
        <h1 className={item.title ? '' : 'hidden'}>{item.title ?? t.common.text}</h1>
        <p>{item.text}</p>
      </div>
    );
  }
  return (
    <div className="item-picture">
      <h1 className="hidden">{name}</h1>
      <button
        type="button"
        aria-label={t.item.zoom}
        title={t.item.zoom}
        onClick={() => dialog.current?.showModal()}
      >
        <img
          src={item.big}
          alt={name}
          width={item.width}
          height={item.height}
          style={{ maxWidth: Math.max(SMALLEST, item.width * LARGEST) }}
        />
      </button>
      <dialog ref={dialog} className="zoom" aria-label={name}>
        <button type="button" aria-label={t.common.close} onClick={() => dialog.current?.close()}>
          <img src={item.original} alt={name} loading="lazy" width={item.width} height={item.height} />
        </button>
      </dialog>
    </div>
  );
}
