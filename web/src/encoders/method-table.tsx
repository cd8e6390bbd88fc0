import { useMessages } from '../messages/index.js';
import { Scroll } from '../ui/scroll.js';
import { useFormats } from './formats.js';
import { IntervalBar } from './interval-bar.js';
import { type MethodView, RANKS, type View } from './report-values.js';

interface MethodTableProps {
  readonly methods: readonly MethodView[];
  readonly metric: string;
  readonly view: View;
}

/** One metric of the version and of each baseline. */
export function MethodTable({ methods, metric, view }: MethodTableProps) {
  const t = useMessages();
  const format = useFormats();
  const rows = methods.flatMap(({ method, figures }) => {
    const estimate = figures[view].get(metric);
    return estimate === undefined || estimate.value === null ? [] : [{ method, estimate }];
  });
  const most = Math.max(...rows.map(({ estimate: { value, high } }) => high ?? value ?? 0));
  const intervals = rows.some(({ estimate: { low } }) => low !== null);
  const show = RANKS.has(metric) ? format.short : format.figure;
  return (
    <Scroll label={t.encoders.report}>
      <table className="figure-table methods">
        <thead>
          <tr>
            <th>{t.encoders.method}</th>
            <th>{t.encoders.metrics[metric] ?? metric}</th>
            {intervals && <th>{t.encoders.interval}</th>}
            <th aria-hidden />
          </tr>
        </thead>
        <tbody>
          {rows.map(({ method, estimate }, i) => (
            <tr key={method} className={i === 0 ? 'strong' : ''}>
              <th title={t.encoders.methodHints[method]}>{t.encoders.methods[method]}</th>
              <td>{show(estimate.value)}</td>
              {intervals && (
                <td className="faint">
                  {estimate.low === null ? '–' : `${show(estimate.low)}–${show(estimate.high)}`}
                </td>
              )}
              <td aria-hidden className="bar-cell">
                <IntervalBar estimate={estimate} most={most} strong={i === 0} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
