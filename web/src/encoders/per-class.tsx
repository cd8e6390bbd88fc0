import { useState } from 'react';
import { Link } from 'wouter';
import type { ClassMeasuresFragment } from '../__generated__/operations.js';
import { useMessages } from '../messages/index.js';
import { EMPTY, writeState } from '../search/search-state.js';
import { Scroll } from '../ui/scroll.js';
import { Segments } from '../ui/segments.js';
import { useFormats } from './formats.js';
import { IntervalBar } from './interval-bar.js';

const SHOWN = 12;
type Order = 'worst' | 'best';

/** The figures of each class, with the classes that it is confused with. */
export function PerClass({ rows }: { readonly rows: readonly ClassMeasuresFragment[] }) {
  const t = useMessages();
  const format = useFormats();
  const [order, setOrder] = useState<Order>('worst');
  const [all, setAll] = useState(false);
  // They come best first; classes without a figure last.
  const figured = rows.filter((row) => row.i2tAp !== null || row.t2iAp !== null);
  const ordered = order === 'best' ? figured : [...figured].reverse();
  return (
    <>
      <header className="part-head">
        <h3>{t.encoders.perClass}</h3>
        <Segments
          label={t.search.order}
          value={order}
          options={[
            ['worst', t.encoders.worstFirst],
            ['best', t.encoders.bestFirst],
          ]}
          onChange={setOrder}
        />
      </header>
      <Scroll label={t.encoders.perClass}>
        <table className="figure-table">
          <thead>
            <tr>
              <th>{t.item.class}</th>
              <th>{t.encoders.directions.i2t}</th>
              <th aria-hidden />
              <th>{t.encoders.directions.t2i}</th>
              <th aria-hidden />
              <th>{t.encoders.methods.CHANCE}</th>
              <th>{t.classes.confusedWith}</th>
            </tr>
          </thead>
          <tbody>
            {ordered.slice(0, all ? undefined : SHOWN).map((row) => (
              <tr key={row.name}>
                <th>
                  <Link href={`/${writeState({ ...EMPTY, classes: [row.name] })}`}>{row.name}</Link>
                </th>
                <Ap value={row.i2tAp} />
                <Ap value={row.t2iAp} />
                <td className="faint">{format.figure(row.chance)}</td>
                <td className="text">
                  {row.confusedWith.map(({ name, share }) => `${name} ${format.percent(share)}`).join(', ')}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      {figured.length > SHOWN && !all && (
        <button type="button" className="more" onClick={() => setAll(true)}>
          {t.encoders.allClasses(figured.length)}
        </button>
      )}
    </>
  );
}

function Ap({ value }: { readonly value: number | null }) {
  const format = useFormats();
  return (
    <>
      <td>{format.figure(value)}</td>
      <td aria-hidden className="bar-cell narrow">
        <IntervalBar estimate={{ value, low: null, high: null }} most={1} strong />
      </td>
    </>
  );
}
