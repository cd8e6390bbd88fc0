import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useDeferredValue, useState } from 'react';
import { useLocation } from 'wouter';
import { ClassItemsDocument } from '../__generated__/operations.js';
import { client, queries } from '../api/client.js';
import { Strip } from '../item/strip.js';
import { useMessages } from '../messages/index.js';
import { messageOf } from '../ui/notice.js';

const SHOWN = 12;

/** Makes a class by its name. While one types, it shows the pictures that the name finds. */
export function NewClass() {
  const t = useMessages();
  const [, navigate] = useLocation();
  const [name, setName] = useState('');
  const [error, setError] = useState<string | null>(null);
  const wanted = useDeferredValue(name.trim());
  const found = useQuery({
    queryKey: ['class-preview', wanted],
    queryFn: async ({ signal }) => {
      const variables = { query: { text: wanted }, cutOff: 'AUTO', first: SHOWN } as const;
      const { crossModalSearch } = await client.execute(ClassItemsDocument, variables, { signal });
      return crossModalSearch.edges.map(({ node, score }) => ({ item: node, score }));
    },
    enabled: wanted.length > 1,
  });
  const create = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const description = String(new FormData(event.currentTarget).get('description')).trim() || null;
    try {
      const { id } = await client.createClass({ name: name.trim(), description });
      await queries.invalidateQueries({ queryKey: ['classes'] });
      navigate(`/classes/${id}`);
    } catch (failure) {
      setError(messageOf(failure));
    }
  };
  return (
    <form className="new-class" onSubmit={(event) => void create(event)}>
      <div className="toolbar">
        <input
          aria-label={t.classes.newName}
          placeholder={t.classes.newName}
          value={name}
          required
          maxLength={200}
          onChange={(event) => {
            setName(event.target.value);
            setError(null);
          }}
        />
        <input
          name="description"
          aria-label={t.classes.description}
          placeholder={t.classes.description}
          maxLength={2_000}
          className="wide"
        />
        <button type="submit" className="primary">
          {t.classes.create}
        </button>
      </div>
      {error !== null && (
        <p role="alert" className="error">
          {error}
        </p>
      )}
      {wanted.length > 1 && found.data && (
        <>
          <p className="faint">
            {found.data.length > 0 ? t.classes.preview(wanted) : t.classes.fitsNothing(wanted)}
          </p>
          <Strip items={found.data} />
        </>
      )}
    </form>
  );
}
