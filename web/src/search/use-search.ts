import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { ApiError } from '../../../src/client/api-error.js';
import {
  BrowseDocument,
  BrowseFacetsDocument,
  type FacetCountsFragment,
  SearchDocument,
  SearchFacetsDocument,
  type SearchQueryVariables,
  type TileFragment,
} from '../__generated__/operations.js';
import { client } from '../api/client.js';
import { canSearch, filterOf, isBrowsing, isFiltered, queryOf, type SearchState } from './search-state.js';

export const PAGE_SIZE = 40;
/** Those who scroll want more than fits into a window. */
const FURTHER_PAGE_SIZE = 100;
/** The API counts values of at most so many keys of the metadata. */
const METADATA_KEYS = 20;
/** The cut-off needs an encoder that was measured, and a query that is one text or picture. */
const WITHOUT_CUT_OFF: ReadonlySet<string> = new Set(['NOT_CALIBRATED', 'NO_ENCODER']);

export interface Found {
  readonly item: TileFragment;
  /** Null in a list without a query. */
  readonly score: number | null;
}

interface Page {
  readonly found: readonly Found[];
  readonly next: string | null;
  readonly approximate: boolean;
  /** Whether an encoder took part; null in a list without a query. */
  readonly encoder: boolean | null;
}

/** The results of a search, page by page; without a query the newest items. */
export function useSearch(state: SearchState) {
  const search = canSearch(state);
  const result = useInfiniteQuery({
    queryKey: ['results', keyOf(state)],
    queryFn: ({ pageParam, signal }) =>
      search ? searchPage(state, pageParam, signal) : browsePage(state, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last: Page) => last.next,
    placeholderData: keepPreviousData,
    // Else each page is compared with all that came before.
    structuralSharing: false,
    enabled: search || isBrowsing(state),
  });
  const found = useMemo(() => {
    // An item that was stored between two pages moves others to the next one.
    const known = new Set<string>();
    return (result.data?.pages ?? []).flatMap((page) =>
      page.found.filter(({ item }) => !known.has(item.id) && known.add(item.id)),
    );
  }, [result.data]);
  const pages = result.data?.pages ?? [];
  return {
    ...result,
    found,
    approximate: pages.some((page) => page.approximate),
    lacksEncoder: pages[0]?.encoder === false,
  };
}

/** Counts of what the search finds, for the filters. */
export function useFacets(state: SearchState, metadataKeys: readonly string[]) {
  const search = canSearch(state);
  const keys = metadataKeys.slice(0, METADATA_KEYS);
  return useQuery({
    queryKey: ['facets', keyOf({ ...state, order: 'relevance', diversity: 0, group: null }), keys],
    queryFn: async ({ signal }): Promise<FacetCountsFragment> => {
      const filter = filterOf(state);
      const browse = async () =>
        (await client.execute(BrowseFacetsDocument, { filter, metadataKeys: keys }, { signal })).facets;
      if (!search) return await browse();
      const { query, target, by, cutOff } = variablesOf(state);
      const variables = { query, target, by, filter, cutOff, metadataKeys: keys };
      const { facets } = (await client.execute(SearchFacetsDocument, variables, { signal })).crossModalSearch;
      // Without a cut-off, every item is a result.
      return facets ?? (await browse());
    },
    placeholderData: keepPreviousData,
    enabled: search || isBrowsing(state),
    // The list says why it failed.
    throwOnError: false,
  });
}

function variablesOf(state: SearchState): Omit<SearchQueryVariables, 'first'> {
  const { target, evidence, all, order, diversity, group, hideDuplicates } = state;
  return {
    query: queryOf(state),
    target,
    ...(evidence && { by: [evidence] }),
    filter: filterOf(state),
    // An order by date is of the results above the cut-off.
    cutOff: all && order === 'relevance' ? 'NONE' : 'AUTO',
    diversity,
    groupBy: group && { by: group },
    duplicates: hideDuplicates ? 'HIDE' : 'SHOW',
    orderBy:
      order === 'relevance' ? null : { field: 'CREATED_AT', direction: order === 'newest' ? 'DESC' : 'ASC' },
  };
}

async function searchPage(state: SearchState, after: string | null, signal: AbortSignal): Promise<Page> {
  const variables = { ...variablesOf(state), first: sizeOf(after), after };
  const run = (given: SearchQueryVariables) => client.execute(SearchDocument, given, { signal });
  const { crossModalSearch } = await run(variables).catch((error: unknown) => {
    const possible =
      error instanceof ApiError && WITHOUT_CUT_OFF.has(error.code) && variables.orderBy === null;
    if (!possible || variables.cutOff === 'NONE') throw error;
    return run({ ...variables, cutOff: 'NONE' });
  });
  const { edges, pageInfo, mode, encoderVersion } = crossModalSearch;
  return {
    found: edges.map(({ node, score }) => ({ item: node, score })),
    next: pageInfo.hasNextPage ? pageInfo.endCursor : null,
    approximate: mode === 'APPROXIMATE',
    encoder: encoderVersion !== null,
  };
}

async function browsePage(state: SearchState, after: string | null, signal: AbortSignal): Promise<Page> {
  const direction = state.order === 'oldest' ? 'ASC' : 'DESC';
  const variables = {
    filter: filterOf(state),
    orderBy: { field: 'CREATED_AT', direction },
    first: sizeOf(after),
    after,
  } as const;
  const { nodes, pageInfo } = (await client.execute(BrowseDocument, variables, { signal })).items;
  return {
    found: nodes.map((item) => ({ item, score: null })),
    next: pageInfo.hasNextPage ? pageInfo.endCursor : null,
    approximate: false,
    encoder: null,
  };
}

function sizeOf(after: string | null): number {
  return after === null ? PAGE_SIZE : FURTHER_PAGE_SIZE;
}

function keyOf(state: SearchState): string {
  return JSON.stringify(state);
}

/** The keys of the metadata of these items that have values to filter by. */
export function metadataKeysOf(found: readonly Found[]): string[] {
  const keys = new Set<string>();
  for (const { item } of found)
    for (const [key, value] of Object.entries(item.metadata))
      if (['string', 'number', 'boolean'].includes(typeof value)) keys.add(key);
  return [...keys].sort();
}

/** What to say where nothing was found. */
export function whyEmpty(state: SearchState): 'catalogue' | 'filtered' | 'cut' | 'nothing' {
  if (isFiltered(state)) return 'filtered';
  if (!canSearch(state)) return state.target === null ? 'catalogue' : 'filtered';
  return state.all ? 'nothing' : 'cut';
}
