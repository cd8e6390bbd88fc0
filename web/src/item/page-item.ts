import type { ItemPageQuery } from '../__generated__/operations.js';

/** An item with all that its page shows. */
export type PageItem = NonNullable<ItemPageQuery['item']>;
