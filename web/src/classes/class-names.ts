import { useQuery } from '@tanstack/react-query';
import { useDeferredValue } from 'react';
import { ClassNamesDocument } from '../__generated__/operations.js';
import { client } from '../api/client.js';

/** Some classes of the catalogue that have a text in their name; while one types, those of a moment ago. */
export function useClassNames(text: string) {
  const search = useDeferredValue(text.trim());
  const { data } = useQuery({
    queryKey: ['class-names', search],
    queryFn: async ({ signal }) =>
      (await client.execute(ClassNamesDocument, { search: search || null }, { signal })).classes.nodes,
  });
  return data ?? [];
}
