import { useEffect, useId, useRef, useState } from 'react';
import { useMessages } from '../messages/index.js';
import { type ShownKey, showKey } from './shown-key.js';

/** The secret of a new key, with a button to copy it. */
export function NewSecret({ shown }: { readonly shown: ShownKey }) {
  const t = useMessages();
  const id = useId();
  const field = useRef<HTMLInputElement>(null);
  const [copied, setCopied] = useState(false);
  useEffect(() => field.current?.select(), []);
  const copy = async () => {
    field.current?.select();
    // Browsers have the clipboard for pages of https and of this machine only.
    if (navigator.clipboard === undefined) setCopied(document.execCommand('copy'));
    else await navigator.clipboard.writeText(shown.secret).then(() => setCopied(true));
  };
  return (
    <section className="new-secret" aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>{t.keys.made(shown.name)}</h2>
      <p id={`${id}-hint`}>{t.keys.shownOnce}</p>
      <div className="toolbar">
        <input
          ref={field}
          className="wide"
          readOnly
          value={shown.secret}
          aria-label={t.keys.secret}
          aria-describedby={`${id}-hint`}
          spellCheck={false}
        />
        <button type="button" className="primary" onClick={() => void copy()}>
          {copied ? t.keys.copied : t.keys.copy}
        </button>
        <button type="button" onClick={() => showKey(null)}>
          {t.keys.done}
        </button>
      </div>
      <output className="hidden">{copied ? t.keys.copied : ''}</output>
    </section>
  );
}
