import { Image, Minus, Plus, Search, X } from 'lucide-react';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { useMessages } from '../messages/index.js';
import { PartChip } from './part-chip.js';
import { usePicturePart } from './picture-part.js';
import { EMPTY, type Part, type SearchState } from './search-state.js';
import type { ChangeState } from './use-state.js';

interface SearchBoxProps {
  readonly state: SearchState;
  readonly change: ChangeState;
  readonly onPart: (part: Part) => void;
}

/** How long after the latest key the results follow. */
const TYPING_MS = 250;

/**
 * The box, with the other parts of the search as chips before it. Results follow the typing. A text that begins with + or − becomes a chip, and
 * so does the address of a picture.
 */
export function SearchBox({ state, change, onPart }: SearchBoxProps) {
  const t = useMessages();
  const input = useRef<HTMLInputElement>(null);
  const file = useRef<HTMLInputElement>(null);
  const addPicture = usePicturePart(onPart);
  const { parts } = state;
  const [text, setText] = useState(state.text);
  useEffect(() => setText(state.text), [state.text]);

  const typed = text.trim();
  useEffect(() => {
    if (typed === state.text || /^[+\-−]/.test(typed) || isAddress(typed)) return;
    // The address is replaced while one types, so that going back leaves the search, not its last letter.
    const replace = state.text !== '';
    const timer = setTimeout(() => change({ text: typed, all: false }, { replace }), TYPING_MS);
    return () => clearTimeout(timer);
  }, [typed, state.text, change]);
  const addText = (value: string, weight: 1 | -1) => {
    setText('');
    change({ text: '', parts: [...parts, { kind: 'text', value, weight }], all: false });
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const sign = /^([+\-−])\s*(.+)$/s.exec(typed);
    if (sign?.[2] !== undefined) {
      addText(sign[2], sign[1] === '+' ? 1 : -1);
    } else if (isAddress(typed)) {
      setText('');
      change({ text: '', parts: [...parts, { kind: 'imageUrl', value: typed, weight: 1 }], all: false });
    } else if (typed !== state.text) change({ text: typed, all: false });
  };
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const typing = (event.target as HTMLElement).closest('input, textarea, select, [contenteditable]');
      if (event.key !== '/' || typing || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      input.current?.focus();
      input.current?.select();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);

  const setPart = (old: Part, part: Part | null) =>
    change({ parts: parts.flatMap((each) => (each === old ? (part ?? []) : each)), all: false });
  return (
    <search>
      <form className="search-box" onSubmit={submit}>
        <Search aria-hidden size={20} className="faint" />
        {parts.length > 0 && (
          <ul className="parts" aria-label={t.search.parts}>
            {parts.map((part, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: two parts can be alike
              <PartChip key={i} part={part} onChange={(next) => setPart(part, next)} />
            ))}
          </ul>
        )}
        <input
          ref={input}
          type="text"
          aria-label={t.search.label}
          placeholder={t.search.placeholder}
          value={text}
          maxLength={10_000}
          enterKeyHint="search"
          autoComplete="off"
          onChange={(event) => setText(event.target.value)}
          onKeyDown={(event) => {
            const last = parts.at(-1);
            if (event.key === 'Backspace' && text === '' && last !== undefined) setPart(last, null);
            if (event.key === 'Escape') event.currentTarget.blur();
          }}
        />
        {typed !== '' && (
          <>
            <IconButton label={t.search.plus} onClick={() => addText(typed, 1)}>
              <Plus aria-hidden size={18} />
            </IconButton>
            <IconButton label={t.search.minus} onClick={() => addText(typed, -1)}>
              <Minus aria-hidden size={18} />
            </IconButton>
          </>
        )}
        {(state.text !== '' || parts.length > 0) && (
          <IconButton
            label={t.search.clear}
            onClick={() => {
              setText('');
              change({ ...EMPTY });
              input.current?.focus();
            }}
          >
            <X aria-hidden size={18} />
          </IconButton>
        )}
        <IconButton label={t.search.picture} onClick={() => file.current?.click()}>
          <Image aria-hidden size={18} />
        </IconButton>
        <input
          ref={file}
          type="file"
          accept="image/*"
          hidden
          aria-label={t.search.picture}
          onChange={(event) => {
            const picture = event.target.files?.[0];
            event.target.value = '';
            if (picture) void addPicture(picture);
          }}
        />
        <button type="submit" className="primary">
          {t.search.submit}
        </button>
      </form>
    </search>
  );
}

interface IconButtonProps {
  readonly label: string;
  readonly onClick: () => void;
  readonly children: React.ReactNode;
}

function IconButton({ label, onClick, children }: IconButtonProps) {
  return (
    <button type="button" className="icon" aria-label={label} title={label} onClick={onClick}>
      {children}
    </button>
  );
}

/** Whether a text is the address of a picture rather than words. */
function isAddress(text: string): boolean {
  return /^https?:\/\/\S+$/.test(text.trim()) && URL.canParse(text.trim());
}
