import {
  type InfiniteData,
  keepPreviousData,
  type QueryKey,
  type UseInfiniteQueryOptions,
  useInfiniteQuery,
} from '@tanstack/react-query';

/** A page of a connection. */
interface Page<Node> {
  readonly nodes: readonly Node[];
  readonly totalCount?: number;
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

type Read<Node> = (after: string | null, signal: AbortSignal) => Promise<Page<Node>>;

type Options<Node> = Pick<
  UseInfiniteQueryOptions<Page<Node>, Error, InfiniteData<Page<Node>>, QueryKey, string | null>,
  'enabled' | 'refetchInterval' | 'staleTime'
>;

/** A connection that is read page by page. While another one is read for the first time, the last one stays. */
export function usePages<Node>(key: QueryKey, read: Read<Node>, options: Options<Node> = {}) {
  const list = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }) => read(pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: ({ pageInfo }) => (pageInfo.hasNextPage ? pageInfo.endCursor : null),
    placeholderData: keepPreviousData,
    ...options,
  });
  return { ...list, nodes: nodesOf(list.data), total: list.data?.pages[0]?.totalCount };
}

/** The nodes of all pages that were read. */
export function nodesOf<Node>(data: InfiniteData<Page<Node>> | undefined): readonly Node[] {
  return data?.pages.flatMap(({ nodes }) => nodes) ?? [];
}
