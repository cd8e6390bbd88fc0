import { useMessages } from '../messages/index.js';

/** A list that is read page by page. */
interface PagedList {
  readonly hasNextPage: boolean;
  readonly isFetchingNextPage: boolean;
  readonly fetchNextPage: () => Promise<unknown>;
}

/** Reads the next page of a list, if there is one. */
export function More({ list }: { readonly list: PagedList }) {
  const t = useMessages();
  if (!list.hasNextPage) return null;
  return (
    <button
      type="button"
      className="more"
      disabled={list.isFetchingNextPage}
      onClick={() => void list.fetchNextPage()}
    >
      {t.common.more}
    </button>
  );
}
