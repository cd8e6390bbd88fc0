import { useQuery } from '@tanstack/react-query';
import { X } from 'lucide-react';
import { useDeferredValue, useId, useState } from 'react';
import { ClassNamesDocument } from '../__generated__/operations.js';
import { client } from '../api/client.js';
import { useMessages } from '../messages/index.js';

interface ClassPickerProps {
  readonly label: string;
  readonly chosen: readonly string[];
  readonly onChange: (chosen: readonly string[]) => void;
}

/** Classes of the catalogue, found by a part of their name. */
export function ClassPicker({ label, chosen, onChange }: ClassPickerProps) {
  const t = useMessages();
  const id = useId();
  const [text, setText] = useState('');
  const wanted = useDeferredValue(text.trim());
  const { data } = useQuery({
    queryKey: ['class-names', wanted],
    queryFn: async ({ signal }) =>
      (await client.execute(ClassNamesDocument, { search: wanted || null }, { signal })).classes.nodes,
  });
  const known = (data ?? []).filter(({ name }) => !chosen.includes(name));
  const add = (name: string) => {
    onChange([...chosen, name]);
    setText('');
  };
  return (
    <div className="class-picker">
      <label htmlFor={id}>{label}</label>
      {chosen.length > 0 && (
        <ul className="item-actions">
          {chosen.map((name) => (
            <li key={name}>
              <button
                type="button"
                className="chip"
                aria-label={t.search.remove(name)}
                onClick={() => onChange(chosen.filter((each) => each !== name))}
              >
                {name}
                <X aria-hidden size={14} />
              </button>
            </li>
          ))}
        </ul>
      )}
      <input
        id={id}
        type="search"
        placeholder={t.classes.find}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter') return;
          event.preventDefault();
          const found = known.find(({ name }) => name.toLowerCase() === text.trim().toLowerCase());
          if (found ?? known.length === 1) add((found ?? known[0])?.name ?? '');
        }}
      />
      <ul className="item-actions suggestions">
        {known.slice(0, 12).map(({ id: key, name }) => (
          <li key={key}>
            <button type="button" className="chip plain" onClick={() => add(name)}>
              {name}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
