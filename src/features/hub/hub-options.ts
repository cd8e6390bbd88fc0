/** Where the models of a hub are kept, and where they come from. */
export interface HubOptions {
  /** The folder that models are downloaded into. */
  readonly folder: string;
  /** Base address of the hub. It may be in a private network, because the configuration names it. */
  readonly endpoint: string;
  /** Bytes of one model at most. */
  readonly maxBytes: number;
  /** Private networks (CIDR) that the hub may redirect to. */
  readonly allowNetworks?: readonly string[];
  /** Milliseconds before the first retry of a file that broke off; each further one waits twice as long. */
  readonly retryMs?: number;
  /** Ends downloads. */
  readonly signal?: AbortSignal | undefined;
}
