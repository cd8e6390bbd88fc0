import type { SearchOrder } from './rearrange.js';

export interface GroupBy {
  readonly by: 'CLASS' | 'PAIR' | 'METADATA';
  /** The key of the metadata, null for other groups. */
  readonly key: string | null;
  /** The most results of a group. */
  readonly size: number;
}

/** How the results of a ranking are rearranged. Absent: as they are. */
export interface Arrangement {
  /** 0 to 1; see diversify. */
  readonly diversity?: number;
  readonly groupBy?: GroupBy | null;
  readonly duplicates?: 'SHOW' | 'HIDE';
  readonly orderBy?: SearchOrder | null;
}

/** Whether an order differs from that of every search. */
export function reorders(order: SearchOrder | null | undefined): order is SearchOrder {
  return order != null && !(order.field === 'RELEVANCE' && order.direction === 'DESC');
}
