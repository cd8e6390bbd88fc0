import { type ReactNode, useEffect, useRef, useState } from 'react';
import { ApiError } from '../../../src/client/api-error.js';
import { useJob } from '../jobs/job-view.js';
import { useMessages } from '../messages/index.js';
import { messageOf } from '../ui/notice.js';
import { BulkPreview } from './bulk-preview.js';
import { JobOfSource } from './job-of-source.js';
import type { Selection } from './selection.js';
import { sizeText } from './size.js';
import { uploadWithProgress } from './upload.js';

interface BulkAddProps {
  readonly selection: Selection;
  /** Megabytes that the server takes at once; null while they are not known. */
  readonly limit: number | null;
  readonly onLeave: () => void;
}

const MEGABYTE = 2 ** 20;

/** Uploads the chosen files, shows what will become of them, begins the job, and shows it. */
export function BulkAdd({ selection, limit, onLeave }: BulkAddProps) {
  const t = useMessages();
  const { uploadId, sent, error } = useUpload(selection, limit);
  const [jobId, setJobId] = useState<string | null>(null);
  const { data: job } = useJob(jobId);
  const percent = new Intl.NumberFormat(t.locale, { style: 'percent' });
  const share = selection.bytes === 0 ? 0 : Math.min(1, sent / selection.bytes);
  return (
    <>
      <Chosen selection={selection}>
        <button type="button" onClick={onLeave}>
          {jobId === null ? t.common.cancel : t.add.again}
        </button>
      </Chosen>
      {error !== null && (
        <p role="alert" className="error">
          {error}
        </p>
      )}
      {error === null && uploadId === null && (
        <div className="upload">
          <output>{t.add.uploading(percent.format(share))}</output>
          <progress aria-label={t.add.uploadProgress} max={1} value={share} />
        </div>
      )}
      {jobId !== null && <JobOfSource id={jobId} />}
      {uploadId !== null && (
        <BulkPreview uploadId={uploadId} name={selection.name} job={job ?? null} onBegun={setJobId} />
      )}
    </>
  );
}

/** Uploads a selection. Leaving the page before the end is asked about. */
function useUpload(selection: Selection, limit: number | null) {
  const t = useMessages();
  const [uploadId, setUploadId] = useState<string | null>(null);
  const [sent, setSent] = useState(0);
  const [error, setError] = useState<string | null>(null);
  // A change of language must not repeat the upload.
  const texts = useRef(t);
  texts.current = t;
  useEffect(() => {
    if (limit === null) return;
    const abort = new AbortController();
    const onLeave = (event: BeforeUnloadEvent) => event.preventDefault();
    const upload = async () => {
      const { add, locale } = texts.current;
      const file = await selection.pack();
      const most = limit * MEGABYTE;
      if (file.size > most)
        throw new Error(add.tooLarge(sizeText(file.size, locale), sizeText(most, locale)));
      window.addEventListener('beforeunload', onLeave);
      const { id } = await uploadWithProgress(file, setSent, abort.signal);
      setUploadId(id);
    };
    upload()
      .catch((failure: unknown) => {
        if (abort.signal.aborted) return;
        // The browser does not tell a lost connection from a file that cannot be read any more.
        const interrupted = failure instanceof ApiError && failure.code === 'UNREACHABLE';
        setError(interrupted ? texts.current.add.interrupted : messageOf(failure));
      })
      .finally(() => window.removeEventListener('beforeunload', onLeave));
    return () => {
      window.removeEventListener('beforeunload', onLeave);
      abort.abort();
    };
  }, [selection, limit]);
  return { uploadId, sent, error };
}

/** What was chosen, and what of it is left out. */
function Chosen({ selection, children }: { readonly selection: Selection; readonly children: ReactNode }) {
  const t = useMessages();
  const { kind, name, pictures, bytes, leftOut } = selection;
  const facts = [
    name,
    ...(kind === 'data' ? [] : [t.common.images(pictures)]),
    sizeText(bytes, t.locale),
  ].filter((each) => each !== null);
  return (
    <section className="chosen">
      <div className="job-head">
        <h2>{t.add.kinds[kind]}</h2>
        <span className="faint">{facts.join(' · ')}</span>
        <span className="item-actions">{children}</span>
      </div>
      {leftOut.length > 0 && (
        <details>
          <summary>{t.add.leftOut(leftOut.length)}</summary>
          <ul className="left-out">
            {leftOut.slice(0, 200).map(({ path, reason }) => (
              <li key={path}>
                {path} <span className="faint">{t.add.reasons[reason]}</span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}
