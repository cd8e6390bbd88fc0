import { type FormEvent, useId, useState } from 'react';
import { Link } from 'wouter';
import { failureOf } from '../../../src/client/api-error.js';
import { client, queries } from '../api/client.js';
import { useMessages } from '../messages/index.js';
import { messageOf } from '../ui/notice.js';
import { Segments } from '../ui/segments.js';

/** Adds one picture with a caption, or one text. */
export function OneItem() {
  const t = useMessages();
  const id = useId();
  const [kind, setKind] = useState<'picture' | 'text'>('picture');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const [added, setAdded] = useState<string | null>(null);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    setBusy(true);
    setError(null);
    setAdded(null);
    try {
      setAdded(await store(new FormData(form)));
      form.reset();
      await queries.invalidateQueries();
    } catch (failure) {
      setError(messageOf(failure));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form className="add-form" onSubmit={(event) => void submit(event)}>
      <Segments
        label={t.add.form.kind}
        value={kind}
        options={[
          ['picture', t.add.form.picture],
          ['text', t.add.form.text],
        ]}
        onChange={setKind}
      />
      {kind === 'picture' ? (
        <>
          <label htmlFor={`${id}-picture`}>{t.add.form.picture}</label>
          <input id={`${id}-picture`} name="picture" type="file" accept="image/*" required />
          <label htmlFor={`${id}-caption`}>{t.add.form.caption}</label>
          <input id={`${id}-caption`} name="caption" maxLength={10_000} />
        </>
      ) : (
        <>
          <label htmlFor={`${id}-text`}>{t.add.form.text}</label>
          <textarea id={`${id}-text`} name="text" rows={4} required />
        </>
      )}
      <label htmlFor={`${id}-title`}>{t.add.form.title}</label>
      <input id={`${id}-title`} name="title" maxLength={1_000} />
      <label htmlFor={`${id}-classes`}>{t.add.form.classes}</label>
      <input id={`${id}-classes`} name="classes" />
      {error !== null && (
        <p role="alert" className="error">
          {error}
        </p>
      )}
      <div className="item-actions">
        <button type="submit" className="primary" disabled={busy}>
          {t.add.form.submit}
        </button>
        <output>
          {added !== null && (
            <>
              {t.add.form.added} <Link href={`/items/${added}`}>{t.add.form.open}</Link>
            </>
          )}
        </output>
      </div>
    </form>
  );
}

/** Stores what the form has. @returns the id of the item @throws ApiError */
async function store(form: FormData): Promise<string> {
  const value = (field: string) => String(form.get(field) ?? '').trim();
  const common = {
    title: value('title') || null,
    classes: value('classes')
      .split(/[,，]/)
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  };
  const picture = form.get('picture');
  const caption = value('caption');
  const content =
    picture instanceof File ? { mediaId: (await client.upload(picture)).id } : { text: value('text') };
  const pairKey = caption === '' ? null : `page/${randomKey()}`;
  const items = [{ ...common, content, pairKey }];
  const captions = caption === '' ? [] : [{ ...common, content: { text: caption }, pairKey }];
  const { results } = await client.ingest([...items, ...captions]);
  const failure = results.find(({ error }) => error !== null)?.error;
  if (failure) throw failureOf([failure]);
  return results[0]?.item?.id ?? '';
}

/** Unlike `randomUUID`, it works without https. */
function randomKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(12))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('');
}
