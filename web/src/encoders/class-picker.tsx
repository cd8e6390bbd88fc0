import { useId, useState } from 'react';
import { ChosenClasses } from '../classes/chosen-classes.js';
import { useClassNames } from '../classes/class-names.js';
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
  const known = useClassNames(text).filter(({ name }) => !chosen.includes(name));
  const add = (name: string) => {
    onChange([...chosen, name]);
    setText('');
  };
  return (
    <div className="class-picker">
      <label htmlFor={id}>{label}</label>
      <ChosenClasses names={chosen} onChange={onChange} />
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
