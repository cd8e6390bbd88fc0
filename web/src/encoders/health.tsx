import { useQuery } from '@tanstack/react-query';
import { HealthDocument } from '../__generated__/operations.js';
import { client } from '../api/client.js';
import { useMessages } from '../messages/index.js';
import { Failure } from '../ui/notice.js';
import { Scroll } from '../ui/scroll.js';
import { useFormats } from './formats.js';

/** How a version fits what it is used for, and whether to train again. */
export function Health({ id }: { readonly id: string }) {
  const t = useMessages();
  const format = useFormats();
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ['encoder-health', id],
    queryFn: async ({ signal }) =>
      (await client.execute(HealthDocument, { id }, { signal })).encoder?.health ?? null,
  });
  if (error) return <Failure error={error} onRetry={() => void refetch()} />;
  if (!isPending && data === null) return null;
  const modality = (name: 'IMAGE' | 'TEXT') => (name === 'IMAGE' ? t.search.onlyImages : t.search.onlyTexts);
  return (
    <section aria-busy={isPending}>
      <h2>{t.encoders.health}</h2>
      {data == null ? (
        <p className="faint">{t.encoders.measuring}</p>
      ) : (
        <>
          <p>
            <span className={`badge ${data.advice === 'TRAIN_AGAIN' ? 'bad' : ''}`}>
              {t.encoders.adviceNames[data.advice]}
            </span>{' '}
            {t.encoders.advices[data.advice]}
          </p>
          <ul className="notes">
            {data.reasons.map((reason) => (
              <li key={reason}>{reason}</li>
            ))}
          </ul>
          <dl className="health">
            <div>
              <dt>{t.encoders.newItems}</dt>
              <dd>{format.percent(data.newItems)}</dd>
            </div>
            <div>
              <dt>{t.encoders.modalityGap}</dt>
              <dd>{format.figure(data.modalityGap)}</dd>
            </div>
            <div>
              <dt>{t.encoders.linearRule}</dt>
              <dd>{format.percent(data.discriminatorAccuracy)}</dd>
            </div>
            <div>
              <dt>{t.encoders.sampledQueries}</dt>
              <dd>{format.number(data.sampledQueries)}</dd>
            </div>
          </dl>
          {data.queries.length > 0 && (
            <Scroll label={t.encoders.drift}>
              <table className="figure-table">
                <thead>
                  <tr>
                    <th>{t.encoders.drift}</th>
                    <th>{t.encoders.count}</th>
                    <th>{t.encoders.bestHit}</th>
                    <th>{t.encoders.bestHitThen}</th>
                    <th>{t.encoders.stabilityIndex}</th>
                    <th>{t.encoders.energyDistance}</th>
                    <th>{t.encoders.belowThreshold}</th>
                    <th>{t.encoders.belowThresholdThen}</th>
                  </tr>
                </thead>
                <tbody>
                  {data.queries.map((each) => (
                    <tr key={`${each.query} ${each.target}`}>
                      <th>{t.encoders.findsBy(modality(each.target), modality(each.query))}</th>
                      <td>{format.number(each.samples)}</td>
                      <td>{format.figure(each.similarity)}</td>
                      <td>{format.figure(each.referenceSimilarity)}</td>
                      <td>{format.figure(each.stabilityIndex)}</td>
                      <td>{format.figure(each.energyDistance)}</td>
                      <td>{format.percent(each.belowThreshold)}</td>
                      <td>{format.percent(each.referenceBelowThreshold)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </Scroll>
          )}
        </>
      )}
    </section>
  );
}
