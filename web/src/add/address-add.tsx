import { type FormEvent, useId, useState } from 'react';
import { useMessages } from '../messages/index.js';
import { messageOf } from '../ui/notice.js';
import { useBeginJob } from './begin-job.js';
import { type BulkOptions, BulkOptionsForm } from './bulk-options.js';
import { JobOfSource } from './job-of-source.js';

/** How an address begins, in any language. */
const EXAMPLE = 'https://';

/** Adds the rows of a file at an address, which the server fetches. */
export function AddressAdd() {
  const t = useMessages();
  const id = useId();
  const [url, setUrl] = useState('');
  const [options, setOptions] = useState<BulkOptions>({ prefix: null, classColumn: null });
  const [jobId, setJobId] = useState<string | null>(null);
  const begin = useBeginJob(setJobId);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    begin.mutate({ url: url.trim(), ...options });
  };
  if (jobId !== null) {
    return (
      <>
        <div className="item-actions">
          <button type="button" onClick={() => setJobId(null)}>
            {t.add.again}
          </button>
        </div>
        <JobOfSource id={jobId} />
      </>
    );
  }
  return (
    <form className="add-form" onSubmit={submit}>
      <label htmlFor={id}>{t.add.addressOfFile}</label>
      <input
        id={id}
        type="url"
        inputMode="url"
        placeholder={EXAMPLE}
        required
        maxLength={2_000}
        value={url}
        aria-describedby={`${id}-hint`}
        onChange={(event) => setUrl(event.target.value)}
      />
      <p id={`${id}-hint`} className="faint">
        {t.add.addressHint}
      </p>
      <BulkOptionsForm options={options} onChange={setOptions} />
      {begin.error && (
        <p role="alert" className="error">
          {messageOf(begin.error)}
        </p>
      )}
      <div className="item-actions">
        <button type="submit" className="primary" disabled={begin.isPending}>
          {t.add.beginAll}
        </button>
      </div>
    </form>
  );
}
