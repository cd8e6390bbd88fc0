/** Time limits of requests, in milliseconds. */
export interface RequestLimits {
  /** Of a query, a mutation or an upload: a batch of 1000 images from slow servers fits into it. */
  readonly operationMs: number;
  /** Of a stream of server-sent events, so also of a subscription. */
  readonly streamMs: number;
  /** In which a body must arrive that is kept in memory. */
  readonly bodyMs: number;
  /** Without a byte of an uploaded form. */
  readonly stallMs: number;
}

export const REQUEST_LIMITS: RequestLimits = {
  operationMs: 10 * 60_000,
  streamMs: 24 * 3_600_000,
  bodyMs: 120_000,
  stallMs: 30_000,
};
