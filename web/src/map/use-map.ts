import { keepPreviousData, useQuery } from '@tanstack/react-query';
import {
  MapItemsDocument,
  type MapItemsQuery,
  MapPointsDocument,
  type MapPointsQuery,
  type MapPointsQueryVariables,
  PlaceOnMapDocument,
  SpaceMapDocument,
  type TileFragment,
} from '../__generated__/operations.js';
import { client } from '../api/client.js';
import { type Points, readPoints } from './points.js';

/** How often a map that is being computed is looked at. */
const POLL_MS = 2_000;
const NEAREST = 24;

/** The state of the map, with the largest classes. */
export function useMapState(encoderId: string | null) {
  return useQuery({
    queryKey: ['map', encoderId],
    queryFn: ({ signal }) => client.execute(SpaceMapDocument, { encoderId }, { signal }),
    refetchInterval: ({ state }) => (state.data?.spaceMap?.job ? POLL_MS : false),
  });
}

/** All points of a map, page by page. `version` changes with the map. */
export function usePoints(encoderId: string, version: string | null, classIds: readonly string[]) {
  return useQuery({
    queryKey: ['map-points', encoderId, version, classIds],
    enabled: version !== null,
    staleTime: Number.POSITIVE_INFINITY,
    structuralSharing: false,
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }): Promise<Points> => {
      const pages = [];
      let after: string | null = null;
      do {
        const variables: MapPointsQueryVariables = { encoderId, classIds, after };
        const answer: MapPointsQuery = await client.execute(MapPointsDocument, variables, { signal });
        pages.push(answer.mapPoints);
        after = answer.mapPoints.endCursor;
      } while (after !== null);
      return readPoints(pages);
    },
  });
}

/** Where a text falls on the map, with the items that are nearest to it. */
export function usePlace(encoderId: string, version: string | null, text: string) {
  return useQuery({
    queryKey: ['map-place', encoderId, version, text],
    enabled: version !== null && text !== '',
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const variables = { encoderId, query: { text }, first: NEAREST };
      return (await client.execute(PlaceOnMapDocument, variables, { signal })).placeOnMap;
    },
  });
}

/** Items by their ids, without those that are gone. */
export function useItems(ids: readonly string[]) {
  return useQuery({
    queryKey: ['map-items', ids],
    enabled: ids.length > 0,
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }): Promise<readonly TileFragment[]> => {
      const { nodes } = await client.execute(MapItemsDocument, { ids }, { signal });
      return nodes.flatMap((node) => (node !== null && isItem(node) ? [node] : []));
    },
  });
}

type SentNode = NonNullable<MapItemsQuery['nodes'][number]>;

/** A class would be an empty object. */
function isItem(node: SentNode): node is Extract<SentNode, TileFragment> {
  return 'modality' in node;
}
