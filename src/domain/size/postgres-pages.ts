/**
 * How many bytes Postgres needs on disk: pages of 8 kB that hold rows, or entries of indexes. All sizes are in bytes. Figures
 * without a derivation were measured; docs/measurements/catalogue-size.md has them.
 */

const PAGE = 8192;
const PAGE_HEADER = 24;
const ITEM_POINTER = 4;
const INDEX_TUPLE_HEADER = 8;
const TUPLE_HEADER = 23;

/** The longest piece of a value in a TOAST table, and the header of its row with the two numbers that name it. */
const TOAST_CHUNK = 1996;
const TOAST_ROW_HEADER = 36;

/** A leaf is left this full by a build and by keys in ascending order: the default fillfactor of a B-tree. */
export const ASCENDING = 0.9;
/**
 * By keys that ascend at several places of the index: a page splits in two halves, and no later key falls into the first. The last
 * of these places is the end of the index, which is filled as by ascending keys.
 */
export const SEVERAL_ENDS = 0.5;
/** By keys in no order each page splits in two halves; between splits its fill has a mean of ln 2. */
export const RANDOM = Math.LN2;

/** Each row, value and index entry begins at a multiple of 8. */
export function aligned(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}

/** A string or other value of variable length in a row: short ones have a header of one byte. */
export function varlena(bytes: number): number {
  return bytes <= 126 ? bytes + 1 : bytes + 4;
}

/**
 * A table.
 *
 * @param rowBytes of the columns, in a mean row
 * @param columns of the null bitmap; 0 for rows without nulls
 * @param even whether all rows have the same size: otherwise each page wastes half a row
 */
export function heap(
  rows: number,
  rowBytes: number,
  { columns = 0, even = true }: { readonly columns?: number; readonly even?: boolean } = {},
): number {
  const header = aligned(TUPLE_HEADER + Math.ceil(columns / 8));
  const row = (even ? aligned(header + rowBytes) : header + rowBytes + 3.5) + ITEM_POINTER;
  const room = PAGE - PAGE_HEADER;
  const perPage = even ? Math.floor(room / row) : (room - row / 2) / row;
  return withMaps(Math.ceil(rows / perPage));
}

/** A table's pages with its maps of free and of visible pages. */
function withMaps(pages: number): number {
  if (pages === 0) return 0;
  const free = Math.ceil(pages / 4000) + 2;
  const visible = Math.ceil(pages / 32_672);
  return (pages + free + visible) * PAGE;
}

/** Values that are stored out of line, without compression, with the index of their pieces. */
export function toast(values: number, bytes: number): number {
  const full = Math.floor(bytes / TOAST_CHUNK);
  const rest = bytes % TOAST_CHUNK;
  const row = (piece: number) => aligned(TOAST_ROW_HEADER + piece) + ITEM_POINTER;
  const fullPages = full / Math.floor((PAGE - PAGE_HEADER) / row(TOAST_CHUNK));
  const restPages = rest === 0 ? 0 : row(rest) / (PAGE - PAGE_HEADER);
  const pieces = full + (rest === 0 ? 0 : 1);
  return withMaps(Math.ceil(values * (fullPages + restPages))) + btree(values * pieces, 8, ASCENDING);
}

/**
 * A B-tree.
 *
 * @param keyBytes of the key's columns, in a mean entry
 * @param fill how full its leaves are
 */
export function btree(entries: number, keyBytes: number, fill: number): number {
  return btreeOfEntries(entries, aligned(INDEX_TUPLE_HEADER + keyBytes) + ITEM_POINTER, fill);
}

/** Above this many rows of each key their number hardly varies. */
const MANY_EQUAL = 60;

/** A B-tree on `values` keys, each as likely as another: equal keys share an entry with a list of rows. */
export function btreeOfEqualKeys(entries: number, keyBytes: number, values: number, fill: number): number {
  if (entries === 0) return PAGE;
  const size = (rows: number) =>
    aligned(INDEX_TUPLE_HEADER + keyBytes + (rows < 2 ? 0 : 6 * rows)) + ITEM_POINTER;
  const mean = entries / values;
  if (mean > MANY_EQUAL) return btreeOfEntries(values, size(mean), fill);
  let [probability, distinct, bytes] = [Math.exp(-mean), 0, 0];
  for (let rows = 1; rows < 4 * MANY_EQUAL; rows += 1) {
    probability *= mean / rows;
    distinct += probability;
    bytes += probability * size(rows);
  }
  return btreeOfEntries(values * distinct, bytes / distinct, fill);
}

function btreeOfEntries(entries: number, entry: number, fill: number): number {
  const special = 16;
  // The last entry of a leaf is repeated as its high key.
  const perPage = Math.max(2, ((PAGE - PAGE_HEADER - special) * fill) / entry - 1);
  let pages = 1;
  let level = entries;
  do {
    level = Math.ceil(level / perPage);
    pages += level;
  } while (level > 1);
  return pages * PAGE;
}

const POSTING_LIST_HEADER = 8;
/** gin_pending_list_limit: entries of this size are moved into the tree together. */
const PENDING_LIST = 4 * 2 ** 20;
const PENDING_ENTRY = 20;

export interface GinKeys {
  /** Keys, with the bytes of each. */
  readonly keys: readonly (readonly [count: number, bytes: number])[];
  /** Occurrences in rows of the keys that many rows have. */
  readonly postings: number;
  /** Of a posting, with its share of the pages: the difference to the row before, so less where keys are more frequent. */
  readonly postingBytes: number;
  /** Entries that are written to the pending list first; 0 with `fastupdate = off`. */
  readonly pending: number;
}

/** A GIN index: a tree of keys, each with a compressed list of rows. */
export function gin({ keys, postings, postingBytes, pending }: GinKeys): number {
  const room = PAGE - PAGE_HEADER - 8;
  const entry = (bytes: number) => aligned(INDEX_TUPLE_HEADER + bytes + POSTING_LIST_HEADER) + ITEM_POINTER;
  const tree = keys.reduce((sum, [count, bytes]) => sum + (count * entry(bytes)) / RANDOM / room, 0);
  const lists = (postings * postingBytes) / PAGE;
  return (Math.ceil(withPending(tree + lists, pending)) + 2) * PAGE;
}

/**
 * Pages of a tree with those of its pending list. Each time the list is full, its entries are moved to new pages of the tree, and its
 * own pages are used by the next list. Moving the last one, which is not full, takes what the list left.
 */
function withPending(tree: number, pending: number): number {
  const list = PENDING_LIST / PAGE;
  const lists = (pending * PENDING_ENTRY) / PENDING_LIST;
  const [full, last] = [Math.floor(lists), lists % 1];
  if (full === 0) return tree + last * list;
  const moved = tree / lists;
  return full * moved + list + Math.max(0, last * moved - (1 - last) * list);
}

/** Neighbours of an element on the lowest level of an HNSW graph are twice as many as on each other one. */
const HNSW_M = 16;
const HNSW_ELEMENT_HEADER = 72;
const HNSW_NEIGHBOURS_HEADER = 4;
const HNSW_SPECIAL = 8;

/**
 * An HNSW index of pgvector with m = 16: elements with their vectors and lists of neighbours, both on one page if they fit.
 *
 * @param valueBytes of a vector in the index
 */
export function hnsw(vectors: number, valueBytes: number): number {
  if (vectors === 0) return 0;
  const element = aligned(HNSW_ELEMENT_HEADER + valueBytes) + ITEM_POINTER;
  const room = PAGE - PAGE_HEADER - HNSW_SPECIAL;
  if (element + neighbours(0) > room) return (2 * vectors + 1) * PAGE;
  // One element in m has a further level with m neighbours, one in m² two, …
  const both = element + neighbours(0) + (neighbours(1) - neighbours(0)) / (HNSW_M - 1);
  const perPage = Math.min(
    Math.floor(room / (element + neighbours(0))),
    Math.max(1, (room - both / 2) / both),
  );
  return (Math.ceil(vectors / perPage) + 1) * PAGE;
}

/** The list of an element's neighbours. */
function neighbours(levels: number): number {
  return aligned(HNSW_NEIGHBOURS_HEADER + 6 * (levels + 2) * HNSW_M) + ITEM_POINTER;
}

export type VectorType = 'vector' | 'halfvec' | 'bit';
const BITS: Readonly<Record<VectorType, number>> = { vector: 32, halfvec: 16, bit: 1 };

/** A value of one of pgvector's types, or a string of bits. */
export function vectorBytes(dimension: number, type: VectorType): number {
  return 8 + Math.ceil((BITS[type] * dimension) / 8);
}
