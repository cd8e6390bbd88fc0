import { readFileSync } from 'node:fs';
import { buildSchema } from 'graphql';
import { Draw } from './draw.js';
import type { FuzzRequest } from './fuzz-request.js';
import { FuzzedServer, KEY_HEADER } from './fuzzed-server.js';
import { judge } from './judge.js';
import { drawOperation, rootFields } from './operations.js';
import type { Pool } from './pool.js';
import { operationRequest, otherRequest } from './requests.js';
import { type Answer, send } from './send.js';

/** Requests after which the catalogue is restored. */
const BLOCK = 250;
/** The share of requests that are no operation. */
const OTHER = 0.2;
/** Memory that a server may take, in megabytes: the limits of docs/operations.md for pictures and bodies, and the models. */
export const MEMORY_MEGABYTES = 2_000;
/** Requests that are remembered, because the log can name them later. */
const REMEMBERED = 20;
/** Characters of a request in the description of a fault. */
const SHOWN = 2_000;

const schema = buildSchema(readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8'));
const roots = rootFields(schema);

export interface FuzzOptions {
  readonly requests: number;
  readonly seed: number;
  /** The number of the first request, to send one again. */
  readonly from?: number;
  readonly onProgress?: (done: number) => void;
}

export interface Fault {
  readonly request: number | null;
  readonly what: string;
}

export interface FuzzReport {
  readonly faults: readonly Fault[];
  /** Answers by what was sent and how it was answered. */
  readonly counts: ReadonlyMap<string, number>;
  /** How often each root field was sent, and answered without an error. */
  readonly fields: ReadonlyMap<string, { sent: number; answered: number }>;
  readonly peakMegabytes: number | null;
  readonly slowestMs: number;
  readonly seconds: number;
}

/** Sends requests that are drawn from the schema to a server of its own, and checks every answer. */
export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const server = await FuzzedServer.start();
  try {
    return await new Run(server, options).all();
  } finally {
    await server.stop();
  }
}

class Run {
  private readonly faults: Fault[] = [];
  private readonly counts = new Map<string, number>();
  private readonly fields = new Map<string, { sent: number; answered: number }>(
    roots.map(({ kind, field }) => [coordinate(kind, field), { sent: 0, answered: 0 }]),
  );
  private slowestMs = 0;
  private noted = 0;
  private latest: readonly { readonly number: number; readonly request: FuzzRequest }[] = [];
  private peak: number | null = null;

  constructor(
    private readonly server: FuzzedServer,
    private readonly options: FuzzOptions,
  ) {}

  async all(): Promise<FuzzReport> {
    const { requests, from = 0, onProgress } = this.options;
    const started = performance.now();
    let pool = await this.server.prepare();
    for (let i = from; i < from + requests && this.server.isRunning; i += 1) {
      if (i > from && i % BLOCK === 0) pool = await this.server.prepare();
      await this.one(i, pool);
      onProgress?.(i + 1 - from);
    }
    const seconds = (performance.now() - started) / 1000;
    await this.end();
    const { faults, counts, fields, slowestMs } = this;
    return { faults, counts, fields, slowestMs, seconds, peakMegabytes: this.peak };
  }

  private async one(number: number, pool: Pool): Promise<void> {
    const draw = new Draw(this.options.seed, number);
    const { request, fields } = drawRequest(draw, pool, number);
    const headers = { ...KEY_HEADER, 'x-request-id': `fuzz-${number}` };
    const answer = await send(this.server.address, request, headers);
    this.slowestMs = Math.max(this.slowestMs, answer.ms);
    const what = judge(request, answer, { folders: [this.server.folder, process.cwd()] });
    if (what !== null) this.faults.push({ request: number, what: `${what}\n${describe(request, answer)}` });
    const outcome = outcomeOf(answer);
    const key = `${request.kind}: ${outcome}`;
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
    for (const field of new Set(fields)) {
      const count = this.fields.get(field);
      if (count === undefined) throw new Error(`${field} is no root field`);
      count.sent += 1;
      if (outcome === 'data') count.answered += 1;
    }
    this.latest = [{ number, request }, ...this.latest].slice(0, REMEMBERED);
    this.noteLog();
  }

  /** Faults of the log. A line can come later than the answer of its request. */
  private noteLog(): void {
    for (const { requestId, message } of this.server.errors.slice(this.noted)) {
      const number = /^fuzz-(\d+)$/.exec(requestId ?? '')?.[1];
      const sent = this.latest.find((one) => one.number === Number(number));
      const what = `logged: ${message}${sent === undefined ? '' : `\n${describe(sent.request, null)}`}`;
      this.faults.push({ request: number === undefined ? null : Number(number), what });
    }
    this.noted = this.server.errors.length;
  }

  /** The server lives, answers a search, took no more memory than it may, and stops in good order. */
  private async end(): Promise<void> {
    const fail = (what: string) => this.faults.push({ request: null, what });
    const problem = await this.server.check();
    if (problem !== null) {
      fail(problem);
      this.noteLog();
      return;
    }
    this.peak = this.server.peakMegabytes();
    if (this.peak !== null && this.peak > MEMORY_MEGABYTES) fail(`the server took ${this.peak} MB`);
    const code = await this.server.stop();
    if (code !== 0) fail(`the server ended with ${code}`);
    this.noteLog();
  }
}

function drawRequest(
  draw: Draw,
  pool: Pool,
  number: number,
): { request: FuzzRequest; fields: readonly string[] } {
  if (draw.chance(OTHER)) return { request: otherRequest(draw, pool), fields: [] };
  const root = roots[number % roots.length];
  if (root === undefined) throw new Error('the schema has no root field');
  const operation = drawOperation(schema, draw, pool, root);
  return { request: operationRequest(draw, operation), fields: operation.fields };
}

function coordinate(kind: string, field: string): string {
  const type =
    { query: schema.getQueryType(), mutation: schema.getMutationType() }[kind] ??
    schema.getSubscriptionType();
  return `${type?.name}.${field}`;
}

/** `data`, the first error code, or the status. */
function outcomeOf({ status, text }: Answer): string {
  if (status === null) return 'no answer';
  const code = /"code":\s*"([A-Z_]+)"/.exec(text)?.[1];
  if (code !== undefined) return code;
  return text.includes('"data":{') ? 'data' : `status ${status}`;
}

function describe(request: FuzzRequest, answer: Answer | null): string {
  const { method, path, headers, body, raw } = request;
  const text = (raw ?? body)?.toString('utf8') ?? '';
  const sent = `${method} ${shorten(path)}\n${shorten(JSON.stringify(headers))}\n${shorten(text)}`;
  return answer === null ? sent : `${sent}\n→ ${answer.status} ${shorten(answer.text)}`;
}

/** Repetitions become one with its number. */
function shorten(text: string): string {
  return text
    .replace(/(.{1,12}?)\1{20,}/gs, (all, part: string) => `${part}«${all.length / part.length} times»`)
    .slice(0, SHOWN);
}
