import { X } from 'lucide-react';
import { useMessages } from '../messages/index.js';

interface ChosenClassesProps {
  readonly names: readonly string[];
  readonly onChange: (names: readonly string[]) => void;
}

/** Names of classes, each with a way to take it out. */
export function ChosenClasses({ names, onChange }: ChosenClassesProps) {
  const t = useMessages();
  if (names.length === 0) return null;
  return (
    <ul className="filter-chips">
      {names.map((name) => (
        <li key={name}>
          <button
            type="button"
            className="chip"
            aria-label={t.search.remove(name)}
            onClick={() => onChange(names.filter((each) => each !== name))}
          >
            {name}
            <X aria-hidden size={14} />
          </button>
        </li>
      ))}
    </ul>
  );
}
