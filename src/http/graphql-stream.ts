import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { CommonspaceError } from '../domain/errors.js';
import { observe } from '../domain/observations.js';
import { createContext } from '../graphql/context.js';
import type { SseHandler } from '../graphql/sse-handler.js';
import type { Services } from '../services/services.js';
import { callerOf } from './access.js';

/** Open streams at a time; a further request is refused with BUSY. */
export const MAX_STREAMS = 200;

const STREAM_HEADERS = {
  'cache-control': 'no-store, no-transform',
  // A server that stops does not have to wait for the next request of this connection.
  connection: 'close',
  // nginx buffers the events otherwise.
  'x-accel-buffering': 'no',
} as const;

/** Sends what the handler of GraphQL over server-sent events answers, and ends open streams when the server stops. */
export class GraphqlStreams {
  private readonly open = new Map<FastifyReply, Readable | null>();
  private isStopping = false;

  constructor(
    app: FastifyInstance,
    private readonly handle: SseHandler,
    private readonly services: Services,
    private readonly limitMs: number,
  ) {
    app.addHook('preClose', async () => {
      this.isStopping = true;
      for (const reply of this.open.keys()) this.cut(reply);
    });
  }

  /** The number of open streams. */
  get count(): number {
    return this.open.size;
  }

  /** @throws CommonspaceError BUSY */
  async answer(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    // The stop would wait for its end.
    if (this.isStopping) throw new CommonspaceError('BUSY', 'The server is stopping.');
    if (this.open.size >= MAX_STREAMS) {
      observe({ kind: 'refusal', reason: 'streams' });
      throw new CommonspaceError('BUSY', `The limit of ${MAX_STREAMS} open streams is reached.`);
    }
    const gone = new AbortController();
    this.open.set(reply, null);
    const timer = setTimeout(() => this.cut(reply), this.limitMs).unref();
    reply.raw.once('close', () => {
      clearTimeout(timer);
      this.open.delete(reply);
      gone.abort();
    });
    const [body, { status, headers }] = await this.handle({
      method: request.method,
      url: request.url,
      headers: { get: (name) => (name === 'accept' ? 'text/event-stream' : headerOf(request, name)) },
      body: request.body as Record<string, unknown> | string | null,
      raw: null,
      context: createContext(this.services, callerOf(request), gone.signal),
    });
    reply.code(status).headers({ ...headers, ...STREAM_HEADERS });
    if (body === null || typeof body === 'string') return await reply.send(body ?? '');
    const events = Readable.from(body);
    events.once('error', (error) => request.log.error({ err: error }, 'a stream ended with an error'));
    this.open.set(reply, events);
    return await reply.send(events);
  }

  /** Ends the response without `event: complete`, so that the client knows it was cut short. */
  private cut(reply: FastifyReply): void {
    this.open.get(reply)?.unpipe();
    reply.raw.end();
  }
}

function headerOf(request: FastifyRequest, name: string): string | null {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(', ') : (value ?? null);
}
