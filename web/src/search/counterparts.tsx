import { useQuery } from '@tanstack/react-query';
import { CounterpartsDocument } from '../__generated__/operations.js';
import { client } from '../api/client.js';
import { useMessages } from '../messages/index.js';

/** What belongs to an item, for example the caption of a picture, beside a tile under the pointer. */
export function Counterparts({ id }: { readonly id: string }) {
  const t = useMessages();
  const { data } = useQuery({
    queryKey: ['counterparts', id],
    queryFn: async ({ signal }) => (await client.execute(CounterpartsDocument, { id }, { signal })).item,
  });
  if (data == null) return null;
  return (
    <div className="tile-counterparts" role="tooltip">
      <p className="faint">
        {data.counterparts.length === 0 ? t.search.noCounterpart : t.search.counterpart}
      </p>
      {data.counterparts.map((item) =>
        item.__typename === 'ImageItem' ? (
          <img key={item.id} alt="" src={item.small} width={item.width} height={item.height} />
        ) : (
          <p key={item.id}>{item.text}</p>
        ),
      )}
    </div>
  );
}
