import { fastifyApolloHandler } from '@as-integrations/fastify';
import cors, { type FastifyCorsOptions } from '@fastify/cors';
import multipart from '@fastify/multipart';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyRequest,
  LogController,
} from 'fastify';
import { CommonspaceError } from '../domain/errors.js';
import { createContext } from '../graphql/context.js';
import { createGraphqlServer } from '../graphql/server.js';
import type { Services } from '../services/services.js';
import { opensGraphqlPage, wantsStream } from './accept.js';
import { callerOf, isOpen, needsKey, registerAccess } from './access.js';
import { registerArchive } from './archive-routes.js';
import { isStreamed, registerBodyMemory } from './body-memory.js';
import { registerBodyTime } from './body-time.js';
import { registerByteBudget } from './byte-budget.js';
import { PREFLIGHT_HEADERS, registerCsrf } from './csrf.js';
import { registerDrain } from './drain.js';
import { sendError } from './errors.js';
import { GraphqlStreams } from './graphql-stream.js';
import { registerHome } from './home-routes.js';
import { MAX_UPLOAD_BYTES, registerMedia } from './media-routes.js';
import { registerMetrics } from './metrics.js';
import { readPageDocuments } from './page-documents.js';
import { registerPage } from './page-routes.js';
import { sendGraphqlPage } from './pages.js';
import { letReplicasAnswer, POSITION_HEADER, registerPositions } from './positions.js';
import { logUnexpected, registerRequestLog, requestIdOf } from './request-log.js';
import { requestSignal } from './request-signal.js';
import { beginOperation, registerRequestWork } from './request-work.js';
import { retryLater } from './retry-later.js';
import { registerSession } from './session-routes.js';
import { registerSlowOperations } from './slow-operations.js';
import { registerStatus } from './status-routes.js';
import { REQUEST_LIMITS, type RequestLimits } from './time-limits.js';
import { registerTrustedDocuments, type TrustedDocuments } from './trusted-documents.js';
import { registerUploads } from './upload-routes.js';

export interface AppOptions {
  readonly services: Services;
  readonly logger: FastifyBaseLogger;
  readonly apiKeys: readonly string[];
  /** Whether the server listens on a loopback address. Then the Host header must be a loopback name too. */
  readonly loopback: boolean;
  /** Origins whose pages may send requests with a key; none by default. */
  readonly corsOrigins?: readonly string[];
  /** Whether callers may read the schema; true by default. */
  readonly introspection?: boolean;
  /** The only documents that callers may run; null or absent: all. */
  readonly trustedDocuments?: TrustedDocuments | null;
  /** Operations that take this many milliseconds are logged with their details; 0, the default: none. */
  readonly slowMs?: number;
  /** Aborts when the server is about to stop: /readyz then answers 503, so that proxies send it nothing more. */
  readonly stopping?: AbortSignal;
  readonly limits?: Partial<RequestLimits>;
}

/** Maximum size of a GraphQL request: a thousand texts, or a few images in base64. Upload more images with POST /media. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;

/** All HTTP routes: /, /graphql, /schema.graphql, /media, /uploads, /export, /backup, /session, /metrics, /healthz, /readyz. */
export async function createApp(options: AppOptions): Promise<FastifyInstance> {
  const { services, logger } = options;
  const { operationMs, streamMs, bodyMs, stallMs } = { ...REQUEST_LIMITS, ...options.limits };
  const app: FastifyInstance = Fastify({
    loggerInstance: logger,
    bodyLimit: MAX_BODY_BYTES,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    // See body-time.ts. Headers have the limit of Node, 60 s.
    requestTimeout: 0,
    // A proxy keeps connections open. What it has sent before it knows of the stop is answered, and the answer ends the connection.
    return503OnClosing: false,
    genReqId: requestIdOf,
  });
  app.setErrorHandler((error, request, reply) => sendError(error, request, reply));
  app.setNotFoundHandler((request, reply) =>
    reply
      .code(404)
      .header('cache-control', 'no-store')
      .send({
        error: {
          code: 'NOT_FOUND',
          message: `There is no route ${request.method} ${request.url.split('?')[0]}.`,
        },
      }),
  );
  registerRequestLog(app);
  registerDrain(app);
  const { corsOrigins = [], introspection = true, trustedDocuments = null, slowMs = 0 } = options;
  // Before access is checked: a preflight request carries no key.
  if (corsOrigins.length > 0) await app.register(cors, corsOptions(corsOrigins));
  registerRequestWork(app);
  registerSlowOperations(app, slowMs);
  const { keys, sessions, signedMedia } = services;
  const access = registerAccess(app, { ...options, keys, sessions, signedMedia });
  registerCsrf(app, corsOrigins);
  registerPositions(app, services.positions);
  if (trustedDocuments !== null) registerTrustedDocuments(app, trustedDocuments, await readPageDocuments());
  noteRequests(app, services);
  registerByteBudget(app, services.budgets, {
    '/graphql': MAX_BODY_BYTES,
    '/media': MAX_UPLOAD_BYTES,
    '/uploads': services.bulkFiles.maxBytes,
  });
  registerBodyTime(app, bodyMs, isStreamed);
  const bodies = registerBodyMemory(app, MAX_BODY_BYTES);
  await app.register(multipart, { limits: { files: 1, fileSize: MAX_UPLOAD_BYTES, fields: 8, parts: 9 } });

  const { apollo, schemaText, sse } = await createGraphqlServer({
    reportUnexpected: (error) => logUnexpected(logger, error),
    plugins: [retryLater],
    beginOperation: (begun, context) => {
      beginOperation(begun, context);
      letReplicasAnswer(begun, context);
    },
    notePosition: ({ services: { positions }, caller }) => positions.note(caller),
    streamedOperationMs: operationMs,
    introspection,
  });
  await apollo.start();
  const single = fastifyApolloHandler(apollo, {
    context: async (request, reply) =>
      createContext(services, callerOf(request), requestSignal(reply, operationMs)),
  });
  const streamed = new GraphqlStreams(app, sse(), services, streamMs);
  app.route({
    url: '/graphql',
    method: ['GET', 'POST', 'OPTIONS'],
    onRequest: async (request, reply) => {
      reply.header('cache-control', 'no-store');
      requireHost(request);
    },
    handler(request, reply) {
      if (wantsStream(request)) return streamed.answer(request, reply);
      if (opensGraphqlPage(request)) return sendGraphqlPage(request, reply, needsKey(request));
      return single.call(app, request, reply);
    },
  });
  registerMedia(app, services, stallMs);
  await registerUploads(app, services);
  registerArchive(app, services, streamMs);
  registerSession(app, access);
  registerMetrics(app, services.gauges, () => ({ waitingBodies: bodies.waiting, streams: streamed.count }));
  registerStatus(app, services, access.identify, options.stopping);
  registerHome(app, await registerPage(app), introspection ? schemaText : null);
  return app;
}

/** The handlers of operations make an address of it. @throws CommonspaceError BAD_INPUT */
function requireHost({ hostname }: FastifyRequest): void {
  if (!URL.canParse(`http://${hostname}/`))
    throw new CommonspaceError('BAD_INPUT', 'The header Host is missing or malformed.', ['host']);
}

/** Cookies are not allowed: pages of other origins send a key. */
function corsOptions(origins: readonly string[]): FastifyCorsOptions {
  return {
    origin: [...origins],
    methods: ['GET', 'POST', 'OPTIONS'],
    allowedHeaders: ['authorization', 'content-type', 'accept', POSITION_HEADER, ...PREFLIGHT_HEADERS],
    exposedHeaders: ['x-request-id', 'retry-after', POSITION_HEADER],
    maxAge: 3600,
  };
}

/**
 * Notes requests, because work that occupies the embedded database waits for a quiet moment. Checks of the status do not
 * count, nor do streams, which stay open.
 */
function noteRequests(app: FastifyInstance, { indexes }: Services): void {
  const ends = new WeakMap<FastifyRequest, () => void>();
  app.addHook('onRequest', async (request) => {
    if (!isOpen(request) && !wantsStream(request)) ends.set(request, indexes.request());
  });
  app.addHook('onResponse', async (request) => ends.get(request)?.());
}

/**
 * Listens on an address.
 *
 * @returns the URL that it listens on
 * @throws CommonspaceError PORT_IN_USE, or BAD_CONFIG for an address that is not one of this machine
 */
export async function listen(app: FastifyInstance, host: string, port: number): Promise<string> {
  try {
    return await app.listen({ host, port });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EADDRINUSE') {
      throw new CommonspaceError(
        'PORT_IN_USE',
        `Port ${port} of ${host} is in use. Choose another with --port.`,
        ['port'],
      );
    }
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EACCES') {
      throw new CommonspaceError('BAD_CONFIG', `Cannot listen on ${host}:${port} (${code}).`, ['host']);
    }
    throw error;
  }
}
