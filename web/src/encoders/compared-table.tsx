import { useMessages } from '../messages/index.js';
import { Scroll } from '../ui/scroll.js';
import { useFormats } from './formats.js';
import { IntervalBar } from './interval-bar.js';
import type { Estimate } from './report-values.js';

/** One figure of two versions. */
interface ComparedRow {
  readonly name: string;
  readonly a: Estimate;
  readonly b: Estimate;
  /** Where a bar is full. */
  readonly most: number;
}

interface ComparedTableProps {
  readonly label: string;
  /** What a row is. */
  readonly heading: string;
  readonly rows: readonly ComparedRow[];
  /** Counts that the figures are of, in a last row. */
  readonly counts?: { readonly name: string; readonly a: number; readonly b: number };
}

/** Figures of two versions side by side, with their differences. */
export function ComparedTable({ label, heading, rows, counts }: ComparedTableProps) {
  const t = useMessages();
  const format = useFormats();
  return (
    <Scroll label={label}>
      <table className="figure-table">
        <thead>
          <tr>
            <th>{heading}</th>
            <Side name="A" />
            <Side name="B" />
            <th>{t.encoders.difference}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ name, a, b, most }) => (
            <tr key={name}>
              <th>{name}</th>
              <FigureCells estimate={a} most={most} />
              <FigureCells estimate={b} most={most} />
              <Difference a={a.value} b={b.value} />
            </tr>
          ))}
          {counts && (
            <tr>
              <th>{counts.name}</th>
              <td>{format.number(counts.a)}</td>
              <td aria-hidden />
              <td>{format.number(counts.b)}</td>
              <td aria-hidden />
              <td />
            </tr>
          )}
        </tbody>
      </table>
    </Scroll>
  );
}

function Side({ name }: { readonly name: 'A' | 'B' }) {
  const t = useMessages();
  return (
    <>
      <th>{t.encoders.side(name)}</th>
      <th aria-hidden />
    </>
  );
}

function FigureCells({ estimate, most }: { readonly estimate: Estimate; readonly most: number }) {
  const format = useFormats();
  const { value, low, high } = estimate;
  return (
    <>
      <td>
        {most === 1 ? format.figure(value) : format.short(value)}
        {low !== null && <span className="faint">{` (${format.figure(low)}–${format.figure(high)})`}</span>}
      </td>
      <td aria-hidden className="bar-cell narrow">
        <IntervalBar estimate={estimate} most={most} strong />
      </td>
    </>
  );
}

function Difference({ a, b }: { readonly a: number | null; readonly b: number | null }) {
  const { locale } = useMessages();
  const signed = new Intl.NumberFormat(locale, { signDisplay: 'exceptZero', maximumFractionDigits: 3 });
  return <td>{a === null || b === null ? '–' : signed.format(b - a)}</td>;
}
