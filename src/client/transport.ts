import { ApiError, cancelled, type ServerFailure } from './api-error.js';

export interface TransportOptions {
  /** Base address of the server, with a path where a reverse proxy adds one. */
  readonly url: string;
  /** An API key. Without one, a browser sends the cookie of its session. */
  readonly key?: string | null;
  /** In place of the global `fetch`. */
  readonly fetch?: typeof fetch;
  /** How often a call that the server refused with 503 or 429 is repeated; 3 by default, 0 for never. */
  readonly retries?: number;
}

/** What `fetch` takes as a body, in Node and in browsers. */
export type RequestBody = NonNullable<RequestInit['body']>;

/** Of one call. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** One request. `body` is called for each attempt, because a stream can be sent once only. */
export interface Call extends CallOptions {
  readonly path: string;
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: () => Promise<RequestBody> | RequestBody;
}

const DEFAULT_RETRIES = 3;
/** Too many requests; the server is busy. */
const RETRIED: ReadonlySet<number> = new Set([429, 503]);
/** A longer Retry-After than this is left to the caller. */
const LONGEST_WAIT_SECONDS = 30;

/** What a server with replicas sends with answers, and reads in requests: how much of the database they must see at least. */
const POSITION_HEADER = 'x-commonspace-position';

/**
 * Sends requests with the key, repeats those that the server refused for a while, and reads errors. Each request carries the latest position of
 * the answers before it, so that it sees what they did.
 */
export class Transport {
  readonly retries: number;
  private readonly base: string;
  private readonly fetch: typeof fetch;
  private position = '';

  /** @throws TypeError for a malformed address */
  constructor(private readonly options: TransportOptions) {
    const { href, protocol } = new URL(options.url);
    if (!/^https?:$/.test(protocol)) throw new TypeError(`${options.url} is not an http(s) address`);
    this.base = href.replace(/\/$/, '');
    this.retries = options.retries ?? DEFAULT_RETRIES;
    const given = options.fetch ?? globalThis.fetch;
    // The global function of browsers refuses another `this`.
    this.fetch = (input, init) => given(input, init);
  }

  /** The address of a path of the server. */
  address(path: string): string {
    return `${this.base}${path}`;
  }

  /**
   * The answer to a request, whose status is a success.
   *
   * @throws ApiError
   */
  async send(call: Call): Promise<Response> {
    for (let attempt = 0; ; attempt += 1) {
      const response = await this.once(call);
      if (response.ok) return response;
      const error = await errorOf(response);
      const wait = error.retryAfter;
      const again = RETRIED.has(response.status) && wait !== null && wait <= LONGEST_WAIT_SECONDS;
      if (!again || attempt >= this.retries) throw error;
      await delay(wait * 1000, call.signal);
    }
  }

  /**
   * Keeps the position of an answer. The positions are texts of one length, which compare as their values do.
   *
   * @param sent with its request
   */
  seen(position: string | null, sent = ''): void {
    if (position === null) return;
    // An earlier one than was sent: the database was replaced.
    if (position > this.position || sent === this.position) this.position = position;
  }

  private async once({ path, method = 'POST', headers, body, signal }: Call): Promise<Response> {
    const { key } = this.options;
    const { position } = this;
    try {
      const content = await body?.();
      const response = await this.fetch(this.address(path), {
        method,
        headers: {
          ...headers,
          ...(key ? { authorization: `Bearer ${key}` } : {}),
          ...(position && { [POSITION_HEADER]: position }),
        },
        // A redirect would send the key to another address.
        redirect: 'error',
        ...(content !== undefined && { body: content }),
        ...(signal !== undefined && { signal }),
        ...(isStream(content) && { duplex: 'half' }),
      } as RequestInit);
      this.seen(response.headers.get(POSITION_HEADER), position);
      return response;
    } catch (error) {
      if (signal?.aborted) throw cancelled(error);
      throw new ApiError('UNREACHABLE', `The server at ${this.base} does not answer.`, { cause: error });
    }
  }
}

/** The result of reading an answer, with the errors of a connection that was lost meanwhile. */
export async function reading<T>(work: Promise<T>, signal?: AbortSignal): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (signal?.aborted) throw cancelled(error);
    if (error instanceof SyntaxError)
      throw new ApiError('BAD_ANSWER', 'The answer is not JSON.', { cause: error });
    throw new ApiError('UNREACHABLE', 'The connection to the server was lost.', { cause: error });
  }
}

interface ErrorBody {
  /** Of a GraphQL answer. */
  readonly errors?: readonly GraphqlError[];
  /** Of any other route. */
  readonly error?: Partial<ServerFailure>;
}

export interface GraphqlError {
  readonly message: string;
  readonly extensions?: { readonly code?: string; readonly field?: readonly string[] };
}

async function errorOf(response: Response): Promise<ApiError> {
  const body = await response
    .json()
    .then((read) => (typeof read === 'object' && read !== null ? (read as ErrorBody) : {}))
    .catch((): ErrorBody => ({}));
  const { error } = body;
  const failures =
    body.errors?.map(failureOfGraphql) ??
    (error === undefined
      ? []
      : [{ code: error.code ?? 'BAD_ANSWER', message: error.message ?? '', field: error.field ?? [] }]);
  return apiError(failures, response);
}

export function failureOfGraphql({ message, extensions }: GraphqlError): ServerFailure {
  return { code: extensions?.code ?? 'BAD_ANSWER', message, field: extensions?.field ?? [] };
}

/** The first failure, with what the headers of the answer say. */
export function apiError(failures: readonly ServerFailure[], { status, headers }: Response): ApiError {
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  const [first = { code: 'BAD_ANSWER', message: `The server answered with status ${status}.`, field: [] }] =
    failures;
  return new ApiError(first.code, first.message, {
    field: first.field,
    status,
    retryAfter: Number.isFinite(seconds) ? seconds : null,
    requestId: headers.get('x-request-id'),
    ...(failures.length > 0 && { failures }),
  });
}

function isStream(body: RequestBody | undefined): boolean {
  return typeof ReadableStream !== 'undefined' && body instanceof ReadableStream;
}

/** @throws ApiError CANCELLED */
export async function delay(milliseconds: number, signal?: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(cancelled(signal?.reason));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    if (signal?.aborted) stop();
    signal?.addEventListener('abort', stop, { once: true });
  });
}
