import { lazy, Suspense } from 'react';
import type { EpochHistoryQuery } from '../__generated__/operations.js';
import { useMessages } from '../messages/index.js';
import { useHistory } from './use-encoder.js';

type Epoch = NonNullable<EpochHistoryQuery['encoder']>['history'][number];

const Chart = lazy(async () => ({ default: (await import('./chart.js')).Chart }));

interface Curve {
  readonly key: string;
  readonly name: string;
  readonly of: (epoch: Epoch) => number | null;
}

/** The figures of a training by epoch, a chart for each; they grow while it goes on. */
export function Curves({ id, working }: { readonly id: string; readonly working: boolean }) {
  const t = useMessages();
  const { data: history = [] } = useHistory(id, working);
  const last = history.at(-1);
  if (last === undefined) return null;
  const curves: Curve[] = [
    { key: 'validation', name: t.encoders.validationMap, of: (epoch) => epoch.validationMap },
    { key: 'discriminator', name: t.encoders.discriminator, of: (epoch) => epoch.discriminatorAccuracy },
    ...last.losses.map(({ term }) => ({
      key: term,
      name: t.encoders.loss(t.encoders.losses[term] ?? term),
      of: ({ losses }: Epoch) => losses.find((each) => each.term === term)?.value ?? null,
    })),
  ];
  const epochs = history.map(({ epoch }) => epoch);
  const measured = curves.filter(({ of }) => history.some((epoch) => of(epoch) !== null));
  return (
    <section>
      <h2>{t.encoders.curves}</h2>
      <p className="faint">{t.encoders.curvesHint}</p>
      <ul className="charts">
        {measured.map(({ key, name, of }) => (
          <li key={key}>
            <Suspense fallback={<div className="chart-room" />}>
              <Chart
                title={name}
                x={epochs}
                xName={t.encoders.epoch}
                series={[{ name, values: history.map(of) }]}
                group="epochs"
              />
            </Suspense>
          </li>
        ))}
      </ul>
    </section>
  );
}
