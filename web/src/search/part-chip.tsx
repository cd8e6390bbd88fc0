import { useQuery } from '@tanstack/react-query';
import { Minus, Plus, Tag, X } from 'lucide-react';
import { PartItemDocument } from '../__generated__/operations.js';
import { client } from '../api/client.js';
import { useMessages } from '../messages/index.js';
import type { Part } from './search-state.js';

/** How much a part can count. The API allows up to 10. */
const WEIGHTS = [0.25, 0.5, 1, 2, 4];

interface PartChipProps {
  readonly part: Part;
  /** The changed part; null: it is removed. */
  readonly onChange: (part: Part | null) => void;
}

/** A part of the search: its sign, what it is, its weight. */
export function PartChip({ part, onChange }: PartChipProps) {
  const t = useMessages();
  const name = useName(part);
  const minus = part.weight < 0;
  const weight = Math.abs(part.weight);
  return (
    <li className={`part-chip ${minus ? 'minus' : 'plus'}`}>
      <button
        type="button"
        className="icon"
        aria-label={t.search.turn}
        aria-pressed={minus}
        title={t.search.turn}
        onClick={() => onChange({ ...part, weight: -part.weight })}
      >
        {minus ? <Minus aria-hidden size={14} /> : <Plus aria-hidden size={14} />}
      </button>
      <Preview part={part} />
      <span className="part-name">{minus ? t.search.avoids(name) : name}</span>
      <select
        aria-label={t.search.weight(name)}
        title={t.search.weight(name)}
        value={weight}
        onChange={(event) =>
          onChange({ ...part, weight: Number(event.target.value) * Math.sign(part.weight) })
        }
      >
        {[...new Set([...WEIGHTS, weight])]
          .sort((a, b) => a - b)
          .map((one) => (
            <option key={one} value={one}>{`×${one}`}</option>
          ))}
      </select>
      <button
        type="button"
        className="icon"
        aria-label={t.search.remove(name)}
        title={t.search.remove(name)}
        onClick={() => onChange(null)}
      >
        <X aria-hidden size={14} />
      </button>
    </li>
  );
}

function Preview({ part }: { readonly part: Part }) {
  const item = useItem(part);
  if (part.kind === 'className') return <Tag aria-hidden size={14} />;
  if (part.kind === 'mediaId')
    return <img alt="" src={`/media/${encodeURIComponent(part.value)}?width=64`} />;
  return item?.__typename === 'ImageItem' ? <img alt="" src={item.small} /> : null;
}

function useName(part: Part): string {
  const t = useMessages();
  const item = useItem(part);
  switch (part.kind) {
    case 'mediaId':
      return t.search.uploaded;
    case 'imageUrl':
      return part.value.replace(/^https?:\/\//, '');
    case 'itemId':
      if (!item) return t.common.loading;
      return item.title ?? (item.__typename === 'TextItem' ? item.text : t.common.image);
    default:
      return part.value;
  }
}

function useItem({ kind, value }: Part) {
  const { data } = useQuery({
    queryKey: ['part-item', value],
    queryFn: async ({ signal }) => (await client.execute(PartItemDocument, { id: value }, { signal })).item,
    enabled: kind === 'itemId',
  });
  return data ?? null;
}
