import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type FormEvent, useId, useState } from 'react';
import { required } from '../../../src/client/results.js';
import {
  BeginIngestDocument,
  PreviewBulkDocument,
  type PreviewBulkQuery,
} from '../__generated__/operations.js';
import { client } from '../api/client.js';
import { jobsChanged } from '../jobs/job-actions.js';
import type { JobRow } from '../jobs/job-row.js';
import { useMessages } from '../messages/index.js';
import { Failure, messageOf } from '../ui/notice.js';
import { PreviewTable } from './preview-table.js';

interface BulkPreviewProps {
  readonly uploadId: string;
  /** The default of what ids begin with; null: the id of the upload. */
  readonly name: string | null;
  /** The job that was begun; null before. */
  readonly job: JobRow | null;
  readonly onBegun: (jobId: string) => void;
}

/** The column that has the class unless another one is named. */
const CLASS_COLUMN = 'label';
const SHOWN = 20;
const MAX_PREFIX = 200;

/** What the job would do with an upload, and the button that begins it. While the job works, the state of each row. */
export function BulkPreview({ uploadId, name, job, onBegun }: BulkPreviewProps) {
  const t = useMessages();
  const id = useId();
  const [options, setOptions] = useState({
    prefix: name?.slice(0, MAX_PREFIX) || null,
    classColumn: null as string | null,
  });
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const input = { uploadId, ...options };
  const preview = useQuery({
    queryKey: ['preview', input],
    queryFn: async ({ signal }) =>
      (await client.execute(PreviewBulkDocument, { input, first: SHOWN }, { signal })).previewBulk,
    placeholderData: keepPreviousData,
  });
  const set = (field: 'prefix' | 'classColumn') => (event: FormEvent<HTMLInputElement>) =>
    setOptions({ ...options, [field]: event.currentTarget.value.trim() || null });
  const begin = async () => {
    setBusy(true);
    setError(null);
    try {
      const { ingestBulk } = await client.execute(BeginIngestDocument, { input });
      onBegun(required(ingestBulk.job, ingestBulk.errors).id);
      await jobsChanged();
    } catch (failure) {
      setError(messageOf(failure));
      setBusy(false);
    }
  };
  const { data } = preview;
  return (
    <section className="preview">
      {job === null && <h2>{t.add.preview}</h2>}
      {job === null && (
        <details>
          <summary>{t.add.options}</summary>
          <div className="add-form">
            <label htmlFor={`${id}-prefix`}>{t.add.prefix}</label>
            <input
              id={`${id}-prefix`}
              defaultValue={options.prefix ?? ''}
              maxLength={MAX_PREFIX}
              onBlur={set('prefix')}
              aria-describedby={`${id}-hint`}
            />
            <p id={`${id}-hint`} className="faint">
              {t.add.prefixHint}
            </p>
            <label htmlFor={`${id}-class`}>{t.add.classColumn}</label>
            <input
              id={`${id}-class`}
              placeholder={CLASS_COLUMN}
              maxLength={MAX_PREFIX}
              onBlur={set('classColumn')}
            />
          </div>
        </details>
      )}
      {preview.error && <Failure error={preview.error} onRetry={() => void preview.refetch()} />}
      {preview.isPending && <output className="notice">{t.common.loading}</output>}
      {data && !preview.error && (
        <>
          {job === null && (
            <>
              <Counts data={data} />
              {error !== null && (
                <p role="alert" className="error">
                  {error}
                </p>
              )}
              <p>
                <button
                  type="button"
                  className="primary"
                  disabled={busy || data.rows === 0}
                  onClick={() => void begin()}
                >
                  {data.complete ? t.add.begin(t.add.rows(data.rows - data.skipped)) : t.add.beginAll}
                </button>
              </p>
            </>
          )}
          <PreviewTable rows={data.first} job={job} />
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
