import { useQuery } from '@tanstack/react-query';
import { ServerFiguresDocument } from '../__generated__/operations.js';
import { client } from '../api/client.js';
import { useGone } from '../api/connection.js';
import { useMessages } from '../messages/index.js';
import { Failure } from '../ui/notice.js';

const EVERY_MS = 10_000;

/** The state of the server and of the catalogue. */
export function ServerFigures() {
  const t = useMessages();
  const gone = useGone();
  const { data, error, refetch } = useQuery({
    queryKey: ['server'],
    queryFn: async ({ signal }) => (await client.execute(ServerFiguresDocument, {}, { signal })).server,
    staleTime: 0,
    refetchInterval: EVERY_MS,
  });
  if (error && !data) return <Failure error={error} onRetry={() => void refetch()} />;
  const number = new Intl.NumberFormat(t.locale);
  const time = new Intl.DateTimeFormat(t.locale, { dateStyle: 'medium', timeStyle: 'short' });
  const show = (value: number | null | undefined) => (value == null ? '–' : number.format(value));
  const rows = [
    [t.jobs.figures.images, show(data?.images)],
    [t.jobs.figures.texts, show(data?.texts)],
    [t.jobs.figures.classes, show(data?.classes)],
    [t.jobs.figures.pairs, show(data?.pairs)],
    [t.jobs.figures.unembedded, show(data?.unembedded)],
    [t.jobs.figures.waiting, show(data && data.waitingExtractions + data.waitingPictures)],
    [t.jobs.figures.missingIndexes, show(data?.missingIndexes)],
    [
      t.jobs.figures.encoder,
      data?.encoder ? time.format(new Date(data.encoder.createdAt)) : t.jobs.figures.noEncoder,
    ],
    [t.jobs.figures.database, data ? t.jobs.figures.databases(data.database) : '–'],
    [t.jobs.figures.version, data?.version ?? '–'],
    [t.jobs.figures.startedAt, data ? time.format(new Date(data.startedAt)) : '–'],
  ] as const;
  return (
    <section className="server-figures" aria-label={t.jobs.figures.title}>
      <p className={gone ? 'error' : 'faint'}>{gone ? t.connection.gone : t.jobs.figures.answers}</p>
      <dl className="figures">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
