import { useMessages } from '../messages/index.js';
import { PALETTE } from './colours.js';

interface LegendProps {
  readonly classes: readonly {
    readonly class: { readonly id: string; readonly name: string };
    readonly count: number;
  }[];
  /** Those that stand out. */
  readonly chosen: ReadonlySet<number>;
  readonly onChoose: (chosen: ReadonlySet<number>) => void;
}

/** The colours of the largest classes. A class that is chosen stands out. */
export function Legend({ classes, chosen, onChoose }: LegendProps) {
  const t = useMessages();
  const number = new Intl.NumberFormat(t.locale);
  if (classes.length === 0) return null;
  const toggle = (index: number) => {
    const next = new Set(chosen);
    if (!next.delete(index)) next.add(index);
    onChoose(next);
  };
  return (
    <ul className="map-legend" aria-label={t.map.legend}>
      {classes.map((each, index) => (
        <li key={each.class.id}>
          <button
            type="button"
            className="chip"
            aria-pressed={chosen.has(index)}
            title={t.map.items(each.count)}
            onClick={() => toggle(index)}
          >
            <span
              aria-hidden
              className="swatch"
              style={{ background: `rgb(${PALETTE[index]?.join(' ')})` }}
            />
            {each.class.name}
            <span className="faint">{number.format(each.count)}</span>
          </button>
        </li>
      ))}
      <li className="faint">{t.map.shapes}</li>
    </ul>
  );
}
