import type { FuzzRequest } from './fuzz-request.js';
import { type Answer, PATIENCE_MS } from './send.js';

/** What no answer may contain. */
export interface Secrets {
  /** Folders of the server: of its code and of its data. */
  readonly folders: readonly string[];
}

/** Statuses of typed errors that a caller can do something about. */
const ALLOWED_5XX = new Set([502, 503, 504, 505, 507]);
/** Bytes of a body that does not fit into the buffers of a socket. */
const LARGE_BYTES = 2 ** 20;
const LEAKS: readonly (readonly [string, RegExp])[] = [
  ['a stack', /(^|\\n|\n)\s+at .{1,200}:\d+:\d+\)?/],
  ['a path of the code', /node_modules|file:\/\/\/|node:internal|\bdist\/[a-z]+\//],
  [
    'SQL',
    /\b(SELECT|INSERT|UPDATE|DELETE) .{1,200} (FROM|INTO|SET|WHERE) |relation \\?"|violates \w+[- ]\w* ?constraint|invalid input syntax/,
  ],
];

/** What is wrong with an answer; null if nothing is. */
export function judge(request: FuzzRequest, answer: Answer, { folders }: Secrets): string | null {
  const { status, text, ms, failure, contentType } = answer;
  if (ms > PATIENCE_MS) return `the answer took ${Math.round(ms)} ms`;
  if (status === null) {
    if (request.raw !== undefined || request.leaveAfterMs !== undefined) return null;
    // The server refuses a body by its declared length, and closes the connection while the client still sends it.
    if (/EPIPE|ECONNRESET/.test(failure ?? '') && (request.body?.length ?? 0) > LARGE_BYTES) return null;
    return `no answer: ${failure}`;
  }
  if (status >= 500 && !ALLOWED_5XX.has(status)) return `status ${status}`;
  if (/"code":\s*"INTERNAL/.test(text)) return 'an internal error';
  const sent = `${request.path}\n${request.body?.toString('utf8') ?? ''}`;
  for (const folder of folders) if (text.includes(folder)) return `the answer names the folder ${folder}`;
  for (const [name, pattern] of LEAKS) {
    const found = pattern.exec(text)?.[0];
    // What the caller sent may come back in a message.
    if (found !== undefined && !sent.includes(found.trim()))
      return `the answer has ${name}: ${found.slice(0, 200)}`;
  }
  if (contentType.includes('json') && request.method !== 'HEAD') return judgeJson(text);
  return null;
}

function judgeJson(text: string): string | null {
  try {
    const { errors } = JSON.parse(text) as { errors?: { extensions?: { code?: unknown } }[] };
    const untyped = errors?.find(({ extensions }) => typeof extensions?.code !== 'string');
    return untyped === undefined ? null : `an error without a code: ${JSON.stringify(untyped).slice(0, 500)}`;
  } catch {
    return `the answer is not JSON: ${text.slice(0, 200)}`;
  }
}
