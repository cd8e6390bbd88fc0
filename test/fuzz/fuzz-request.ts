/** A request as it is sent. */
export interface FuzzRequest {
  /** What it tries, for the table at the end. */
  readonly kind: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | null;
  /** Bytes to send in place of a request that an HTTP client would build. */
  readonly raw?: Buffer;
  /** Disconnects after these milliseconds, whether or not there is an answer. */
  readonly leaveAfterMs?: number;
}

export const JSON_TYPE = { 'content-type': 'application/json' };
export const PREFLIGHT = { 'apollo-require-preflight': 'yes' };
export const STREAM = { accept: 'text/event-stream' };

/** Content types, right and wrong. */
export const CONTENT_TYPES = [
  'application/json',
  'application/json; charset=utf-16',
  'application/json; charset=nonsense',
  'application/graphql',
  'application/graphql+json',
  'application/x-www-form-urlencoded',
  'text/plain',
  'text/html',
  'multipart/form-data',
  'multipart/form-data; boundary=',
  'multipart/mixed; boundary=x',
  'image/png',
  'application/octet-stream',
  '',
  ';',
  'a/b/c',
  'APPLICATION/JSON',
];
