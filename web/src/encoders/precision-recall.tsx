import { lazy, Suspense } from 'react';
import { useMessages } from '../messages/index.js';
import type { PartView } from './report-values.js';

const Chart = lazy(async () => ({ default: (await import('./chart.js')).Chart }));

/** The methods whose curves are drawn: more lines would not be told apart. */
const DRAWN: ReadonlySet<string> = new Set(['MASLN', 'ZERO_SHOT', 'PAPER', 'CCA', 'SM', 'CHANCE']);
const UNIT = [0, 1] as const;

interface PrecisionRecallProps {
  readonly curves: PartView['curves'];
  readonly direction: 'I2T' | 'T2I';
}

/** Precision over recall of the version and the baselines. */
export function PrecisionRecall({ curves, direction }: PrecisionRecallProps) {
  const t = useMessages();
  const drawn = curves.filter((each) => each.direction === direction && DRAWN.has(each.method));
  const [first] = drawn;
  if (first === undefined) return null;
  return (
    <Suspense fallback={<div className="chart-room tall" />}>
      <Chart
        title={t.encoders.precisionRecall}
        x={first.recall}
        xName={t.encoders.recall}
        series={drawn.map(({ method, precision }) => ({
          name: t.encoders.methods[method],
          values: precision,
        }))}
        height={260}
        range={UNIT}
      />
    </Suspense>
  );
}
