/** What the catalogue of a run has, so that requests can name it. Every list has at least one entry. */
export interface Pool {
  /** Ids of items; the entry at an index is always the item of the same external id. */
  readonly items: readonly string[];
  readonly classes: readonly string[];
  readonly encoders: readonly string[];
  readonly classNames: readonly string[];
  /** External ids and pair keys. */
  readonly keys: readonly string[];
  /** Ids of uploaded pictures. */
  readonly media: readonly string[];
  /** Cursors of several lists. */
  readonly cursors: readonly string[];
  /** Addresses of pictures that the server may fetch. */
  readonly addresses: readonly string[];
  readonly pictures: readonly Buffer[];
  /** Of the active encoder's space. */
  readonly dimension: number;
}
