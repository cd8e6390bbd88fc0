import type { PreviewBulkQuery } from '../__generated__/operations.js';
import { useFailures } from '../jobs/job-failures.js';
import type { JobRow } from '../jobs/job-row.js';
import { useMessages } from '../messages/index.js';
import { type RowState, stateOf } from './row-state.js';

type Row = PreviewBulkQuery['previewBulk']['first'][number];

interface PreviewTableProps {
  readonly rows: readonly Row[];
  /** The job that stores the rows; null before it is begun. */
  readonly job: JobRow | null;
}

/** The first rows of a source: what each becomes, and what became of it. */
export function PreviewTable({ rows, job }: PreviewTableProps) {
  const t = useMessages();
  const failures = useFailures({ id: job?.id ?? '', failed: job?.failed ?? 0 });
  const failed = new Map(failures.nodes.map((each) => [each.ordinal, each.message]));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls is reached by the keyboard
    <section className="table-scroll" aria-label={t.add.preview} tabIndex={0}>
      <table className="preview-table">
        <thead>
          <tr>
            <th scope="col">{t.add.columns.picture}</th>
            <th scope="col">{t.add.columns.texts}</th>
            <th scope="col">{t.add.columns.classes}</th>
            <th scope="col">{t.add.columns.pair}</th>
            <th scope="col">{t.add.columns.state}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.ordinal}>
              <td>
                <Pictures row={row} />
              </td>
              <td>
                {row.texts.map((text, i) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: texts of a row have no other key and do not change
                  <p key={i} className="preview-text">
                    {text}
                  </p>
                ))}
              </td>
              <td>{row.classes.join(', ')}</td>
              <td className="faint preview-pair">
                {row.pictures.length + row.texts.length > 1 && row.pairKey}
              </td>
              <td>
                <State state={stateOf(row, job, failed)} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Pictures({ row }: { readonly row: Row }) {
  const t = useMessages();
  const name = row.pictures[0]?.name ?? row.title ?? row.reference;
  return (
    <div className="preview-picture">
      {row.pictures.map(({ name: own, url, thumbnail }) =>
        thumbnail !== null ? (
          <img key={own ?? row.ordinal} src={thumbnail} alt="" />
        ) : (
          url !== null && (
            <span key={url} className="faint" title={url}>
              {t.add.remote}
            </span>
          )
        ),
      )}
      <span>{name}</span>
    </div>
  );
}

function State({ state }: { readonly state: RowState }) {
  const t = useMessages();
  if (state.kind === 'failed') return <span className="error">{state.message}</span>;
  const tone = state.kind === 'stored' ? 'accent' : '';
  return <span className={`badge ${tone}`}>{t.add.states[state.kind]}</span>;
}
