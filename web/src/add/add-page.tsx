import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { UploadLimitDocument } from '../__generated__/operations.js';
import { client } from '../api/client.js';
import { useMessages } from '../messages/index.js';
import { Segments } from '../ui/segments.js';
import { AddressAdd } from './address-add.js';
import { BulkAdd } from './bulk-add.js';
import { DropZone } from './drop-zone.js';
import { OneItem } from './one-item.js';
import { type Selection, select } from './selection.js';

/** Adds files and folders by a job, or one item by a form. */
export function AddPage() {
  const t = useMessages();
  const [how, setHow] = useState<'files' | 'address' | 'single'>('files');
  const [selection, setSelection] = useState<Selection | null>(null);
  const [isEmpty, setEmpty] = useState(false);
  const { data: limit } = useQuery({
    queryKey: ['upload-limit'],
    queryFn: async ({ signal }) =>
      (await client.execute(UploadLimitDocument, {}, { signal })).server.uploadMegabytes,
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (selection !== null)
    return (
      <Page>
        <BulkAdd selection={selection} limit={limit ?? null} onLeave={() => setSelection(null)} />
      </Page>
    );
  return (
    <Page>
      <div className="toolbar">
        <Segments
          label={t.add.how}
          value={how}
          options={[
            ['files', t.add.files],
            ['address', t.add.address],
            ['single', t.add.single],
          ]}
          onChange={setHow}
        />
      </div>
      {how === 'single' && <OneItem />}
      {how === 'address' && <AddressAdd />}
      {how === 'files' && (
        <DropZone
          limit={limit ?? null}
          onFiles={(files) => {
            const chosen = select(files);
            setSelection(chosen);
            setEmpty(chosen === null);
          }}
        />
      )}
      {isEmpty && how === 'files' && (
        <p role="alert" className="error">
          {t.add.nothing}
        </p>
      )}
    </Page>
  );
}

function Page({ children }: { readonly children: ReactNode }) {
  const t = useMessages();
  return (
    <div className="plain-page">
      <title>{`${t.nav.add} · Commonspace`}</title>
      <h1>{t.add.title}</h1>
      {children}
    </div>
  );
}
