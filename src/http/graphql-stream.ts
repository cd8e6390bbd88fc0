import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { CommonspaceError } from '../domain/errors.js';
import { createContext } from '../graphql/context.js';
import type { OperationRequest, OperationStreams } from '../graphql/stream.js';
import type { Services } from '../services/services.js';

/** Streams at once; more are refused with BUSY. */
const MAX_STREAMS = 200;

/** A comment now and then, so that nothing between takes a quiet stream for a dead one. */
const KEEP_ALIVE_MS = 12_000;

interface StreamQuery {
  readonly query?: string;
  readonly operationName?: string;
  readonly variables?: string;
}

/** Whether the caller wants the answer as server-sent events. */
export function wantsStream(request: FastifyRequest): boolean {
  return (request.headers.accept ?? '')
    .split(',')
    .some((type) => type.trim().split(';')[0]?.toLowerCase() === 'text/event-stream');
}

/**
 * GraphQL over server-sent events, one operation a connection: `event: next` with each answer, `event: complete` at the end.
 * POST takes a JSON body, GET (which EventSource sends) the same as parameters, and no mutation.
 */
export class GraphqlStreams {
  private readonly open = new Set<AbortController>();

  constructor(
    app: FastifyInstance,
    private readonly operations: OperationStreams,
    private readonly services: Services,
  ) {
    // A stream lasts as long as somebody listens: it must not keep the server from stopping.
    app.addHook('preClose', async () => {
      for (const stream of this.open) stream.abort();
    });
  }

  async answer(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const operation = readOperation(request);
    if (request.method === 'GET' && this.operations.isMutation(operation)) {
      return await reply
        .code(405)
        .header('allow', 'POST')
        .send({ error: { code: 'BAD_INPUT', message: 'A mutation needs POST.', field: ['query'] } });
    }
    if (this.open.size >= MAX_STREAMS) {
      throw new CommonspaceError('BUSY', `The server has ${MAX_STREAMS} streams open, and opens no more.`);
    }
    reply.hijack();
    await this.send(operation, request, reply);
    return reply;
  }

  private async send(
    operation: OperationRequest,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> {
    const { raw } = reply;
    const end = new AbortController();
    this.open.add(end);
    raw.once('close', () => end.abort());
    const keepAlive = setInterval(() => raw.write(':\n\n'), KEEP_ALIVE_MS);
    try {
      raw.writeHead(200, {
        ...reply.getHeaders(),
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store, no-transform',
        // Or a server that stops would wait for what might be asked next.
        connection: 'close',
        // Told to nginx, which would hold events back.
        'x-accel-buffering': 'no',
      } as Record<string, string>);
      raw.write(':\n\n');
      for await (const result of this.operations.run(operation, createContext(this.services, end.signal))) {
        if (raw.destroyed) return;
        const data = `event: next\ndata: ${JSON.stringify(result)}\n\n`;
        // A caller who reads slowly is not sent what nobody could keep.
        if (!raw.write(data)) await drained(raw, end.signal);
        if (end.signal.aborted) break;
      }
      // One that is cut short by either end has not come to its own.
      if (!end.signal.aborted) raw.write('event: complete\ndata:\n\n');
    } catch (error) {
      // The answer has begun: all that is left is to end it without `complete`, and the caller may try again.
      request.log.error({ err: error }, 'a stream was cut short');
    } finally {
      clearInterval(keepAlive);
      this.open.delete(end);
      raw.end();
    }
  }
}

function drained(raw: FastifyReply['raw'], signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      raw.off('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    raw.once('drain', done);
    signal.addEventListener('abort', done, { once: true });
  });
}

/** @throws CommonspaceError BAD_INPUT */
function readOperation(request: FastifyRequest): OperationRequest {
  const given: unknown =
    request.method === 'GET' ? fromParameters(request.query as StreamQuery) : request.body;
  if (given === null || typeof given !== 'object' || Array.isArray(given)) {
    throw new CommonspaceError('BAD_INPUT', 'Send a JSON object with `query`.', ['query']);
  }
  const { query, operationName = null, variables = null } = given as Record<string, unknown>;
  if (typeof query !== 'string') {
    throw new CommonspaceError('BAD_INPUT', '`query` must be the text of an operation.', ['query']);
  }
  if (operationName !== null && typeof operationName !== 'string') {
    throw new CommonspaceError('BAD_INPUT', '`operationName` must be a name.', ['operationName']);
  }
  if (variables !== null && (typeof variables !== 'object' || Array.isArray(variables))) {
    throw new CommonspaceError('BAD_INPUT', '`variables` must be a JSON object.', ['variables']);
  }
  return { query, operationName, variables: variables as OperationRequest['variables'] };
}

function fromParameters({ query, operationName, variables }: StreamQuery): Record<string, unknown> {
  try {
    return {
      query,
      ...(operationName !== undefined && { operationName }),
      ...(variables !== undefined && { variables: JSON.parse(variables) as unknown }),
    };
  } catch {
    throw new CommonspaceError('BAD_INPUT', '`variables` must be a JSON object.', ['variables']);
  }
}
