/** An order of items by a value of theirs, then by id in the same direction. */
export interface ItemOrder {
  readonly field: 'CREATED_AT' | 'TITLE';
  readonly direction: 'ASC' | 'DESC';
}

/** The position of an item in an order. It stays right when other items are added or deleted. */
export interface ItemPosition {
  readonly id: string;
  /** Null for an item without a title, in an order by title: such items are last in either direction. */
  readonly value: Date | string | null;
}
