import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { PreviewBulkDocument, type PreviewBulkQuery } from '../__generated__/operations.js';
import { client } from '../api/client.js';
import type { JobRow } from '../jobs/job-row.js';
import { useMessages } from '../messages/index.js';
import { Failure, messageOf } from '../ui/notice.js';
import { useBeginJob } from './begin-job.js';
import { type BulkOptions, BulkOptionsForm, MAX_PREFIX } from './bulk-options.js';
import { PreviewTable } from './preview-table.js';

interface BulkPreviewProps {
  readonly uploadId: string;
  /** The default of what ids begin with; null: the id of the upload. */
  readonly name: string | null;
  /** The job that was begun; null before. */
  readonly job: JobRow | null;
  readonly onBegun: (jobId: string) => void;
}

const SHOWN = 20;
/** The server describes no more. */
const MOST_SHOWN = 50;

/** What the job would do with an upload, and the button that begins it. While the job works, the state of each row. */
export function BulkPreview({ uploadId, name, job, onBegun }: BulkPreviewProps) {
  const t = useMessages();
  const [options, setOptions] = useState<BulkOptions>({
    prefix: name?.slice(0, MAX_PREFIX) || null,
    classColumn: null,
  });
  const [shown, setShown] = useState(SHOWN);
  const input = { uploadId, ...options };
  const preview = useQuery({
    queryKey: ['preview', input, shown],
    queryFn: async ({ signal }) =>
      (await client.execute(PreviewBulkDocument, { input, first: shown }, { signal })).previewBulk,
    placeholderData: keepPreviousData,
  });
  const begin = useBeginJob(onBegun);
  const { data } = preview;
  return (
    <section className="preview">
      {job === null && <h2>{t.add.preview}</h2>}
      {job === null && <BulkOptionsForm options={options} onChange={setOptions} />}
      {preview.error && <Failure error={preview.error} onRetry={() => void preview.refetch()} />}
      {preview.isPending && <output className="notice">{t.common.loading}</output>}
      {data && !preview.error && (
        <>
          {job === null && (
            <>
              <Counts data={data} />
              {begin.error && (
                <p role="alert" className="error">
                  {messageOf(begin.error)}
                </p>
              )}
              <p>
                <button
                  type="button"
                  className="primary"
                  disabled={begin.isPending || data.rows === 0}
                  onClick={() => begin.mutate(input)}
                >
                  {data.complete ? t.add.begin(t.add.rows(data.rows - data.skipped)) : t.add.beginAll}
                </button>
              </p>
            </>
          )}
          <PreviewTable rows={data.first} job={job} />
          {shown < MOST_SHOWN && data.rows > data.first.length && (
            <button type="button" className="more" onClick={() => setShown(MOST_SHOWN)}>
              {t.common.more}
            </button>
          )}
          {shown === MOST_SHOWN && data.rows > data.first.length && (
            <p className="faint">{t.add.firstRows(data.first.length)}</p>
          )}
        </>
      )}
    </section>
  );
}

type Preview = PreviewBulkQuery['previewBulk'];

/** How many rows there are, and what becomes of them. */
function Counts({ data }: { readonly data: Preview }) {
  const t = useMessages();
  // The table shows the others.
  const further = data.failures.filter(({ ordinal }) => ordinal > data.first.length);
  const facts = [t.add.rows(data.rows), t.common.images(data.pictures), t.common.texts(data.texts)];
  return (
    <>
      <output className="preview-counts">
        <strong>{facts.join(' · ')}</strong>
        {data.skipped > 0 && <span className="faint">{t.add.willSkip(data.skipped)}</span>}
        {data.failed > 0 && <span className="error">{t.add.willFail(data.failed)}</span>}
      </output>
      {!data.complete && <p className="faint">{t.add.incomplete}</p>}
      {further.length > 0 && (
        <ul className="failures">
          {further.map(({ ordinal, reference, message }) => (
            <li key={ordinal}>
              <strong>{reference}</strong>
              <span>{message}</span>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
