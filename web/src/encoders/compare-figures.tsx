import type { EncoderRowFragment } from '../__generated__/operations.js';
import { useMessages } from '../messages/index.js';
import { Failure } from '../ui/notice.js';
import { ComparedTable } from './compared-table.js';
import { useFormats } from './formats.js';
import { type Estimate, METRICS, type PartView, RANKS, type ReportView } from './report-values.js';
import { useReport } from './use-report.js';

interface CompareFiguresProps {
  readonly a: EncoderRowFragment;
  readonly b: EncoderRowFragment;
}

/** The figures of two versions, each on its own held-out pairs. */
export function CompareFigures({ a, b }: CompareFiguresProps) {
  const t = useMessages();
  const [left, right] = [useReport(a.id), useReport(b.id)];
  const error = left.error ?? right.error;
  return (
    <section aria-busy={left.isPending || right.isPending}>
      <h2>{t.encoders.report}</h2>
      <p className="faint">{isSameSplit(a, b) ? t.encoders.sameSplit : t.encoders.otherSplit}</p>
      {error && <Failure error={error} />}
      {left.report && right.report && <Figures left={left.report} right={right.report} />}
    </section>
  );
}

/** Whether both hold out the same pairs, so that their figures say which one is better. */
function isSameSplit({ request: a }: EncoderRowFragment, { request: b }: EncoderRowFragment): boolean {
  if (a === null || b === null) return false;
  const print = ({ seed, holdout, unseenClasses }: typeof a) =>
    JSON.stringify([seed, holdout, [...unseenClasses].sort()]);
  return print(a) === print(b);
}

function Figures({ left, right }: { readonly left: ReportView; readonly right: ReportView }) {
  const t = useMessages();
  return (
    <>
      {(['seen', 'unseen'] as const).map((pairs) => {
        const [a, b] = [left[pairs], right[pairs]];
        if (a === null || b === null) return null;
        return (
          <section key={pairs}>
            <h3>{pairs === 'seen' ? t.encoders.seenClasses : t.encoders.unseenClassesShort}</h3>
            {[a, b].some(({ classes }) => classes === 1) && (
              <p role="note" className="estimate">
                {t.encoders.oneClass}
              </p>
            )}
            <MetricTable a={a} b={b} />
            <ClassTable a={a} b={b} />
          </section>
        );
      })}
    </>
  );
}

interface Sides {
  readonly a: PartView;
  readonly b: PartView;
}

function MetricTable({ a, b }: Sides) {
  const t = useMessages();
  const own = ({ methods }: PartView) => methods.find(({ method }) => method === 'MASLN')?.figures.avg;
  const [left, right] = [own(a), own(b)];
  const rows = METRICS.flatMap((metric) => {
    const [x, y] = [left?.get(metric), right?.get(metric)];
    if (x === undefined || y === undefined) return [];
    const most = RANKS.has(metric) ? Math.max(x.value ?? 0, y.value ?? 0) : 1;
    return [{ name: t.encoders.metrics[metric] ?? metric, a: x, b: y, most }];
  });
  return (
    <ComparedTable
      label={t.encoders.report}
      heading={t.encoders.metric}
      rows={rows}
      counts={{ name: t.encoders.heldOutItems, a: a.images + a.texts, b: b.images + b.texts }}
    />
  );
}

const SHOWN = 20;

/** Of the classes that both measured, those whose figures differ most. */
function ClassTable({ a, b }: Sides) {
  const t = useMessages();
  const format = useFormats();
  const known = new Map(b.perClass.map((row) => [row.name, row]));
  const rows = a.perClass
    .flatMap((row) => {
      const other = known.get(row.name);
      const [x, y] = [meanAp(row), other === undefined ? null : meanAp(other)];
      return x === null || y === null ? [] : [{ name: row.name, x, y }];
    })
    .sort((p, q) => Math.abs(q.y - q.x) - Math.abs(p.y - p.x))
    .slice(0, SHOWN);
  if (rows.length === 0) return <p className="faint">{t.encoders.evaluateBoth}</p>;
  return (
    <>
      <h4>{t.encoders.mostDifferent}</h4>
      <ComparedTable
        label={t.encoders.mostDifferent}
        heading={t.item.class}
        rows={rows.map(({ name, x, y }) => ({ name, a: exactly(x), b: exactly(y), most: 1 }))}
      />
      <p className="faint">{t.encoders.meanAp(format.number(rows.length))}</p>
    </>
  );
}

function meanAp({ i2tAp, t2iAp }: { readonly i2tAp: number | null; readonly t2iAp: number | null }) {
  const values = [i2tAp, t2iAp].filter((each) => each !== null);
  return values.length === 0 ? null : values.reduce((sum, each) => sum + each, 0) / values.length;
}

/** A figure without an interval. */
function exactly(value: number): Estimate {
  return { value, low: null, high: null };
}
