/** A position in the write-ahead log of a Postgres server, in bytes. Later records have higher positions. */
export type WalPosition = bigint;

/** Before all records. */
export const NO_POSITION: WalPosition = 0n;

const LSN = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i;
const WRITTEN = /^[0-9a-f]{16}$/;

/** Bytes of a page of the log, and of the headers of a page and of the first page of a segment. */
const PAGE = 8192n;
const PAGE_HEADER = 24n;
const SEGMENT_HEADER = 40n;
/** The size of segments is a multiple of it. */
const LEAST_SEGMENT = 1_048_576n;

/**
 * Reads a position as Postgres writes it, e.g. `16/B374D848`.
 *
 * A position right after the header of a page becomes the begin of the page. Postgres names it as the place of the next record, while the
 * end of the record before, which a replica names, is the begin of the page.
 *
 * @throws Error for any other text
 */
export function readLsn(lsn: string): WalPosition {
  const [, high, low] = LSN.exec(lsn) ?? [];
  if (high === undefined || low === undefined) throw new Error(`not a position in the log: ${lsn}`);
  const position = (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
  if (position % LEAST_SEGMENT === SEGMENT_HEADER) return position - SEGMENT_HEADER;
  return position % PAGE === PAGE_HEADER ? position - PAGE_HEADER : position;
}

/** The position for callers: 16 digits of lower case hexadecimal, so that later positions are greater as texts, too. */
export function writePosition(position: WalPosition): string {
  return position.toString(16).padStart(16, '0');
}

/** Reads what `writePosition` has written; null for any other text. */
export function readPosition(text: string): WalPosition | null {
  return WRITTEN.test(text) ? BigInt(`0x${text}`) : null;
}
