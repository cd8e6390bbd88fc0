/** Traces of requests by OpenTelemetry. Nothing of it is loaded where it is not configured. */
import type { IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import { CommonspaceError } from '../domain/errors.js';
import { findSpansBy, type Span } from './active-span.js';

const require = createRequire(import.meta.url);

const PACKAGES: Readonly<Record<string, () => object>> = {
  '@opentelemetry/sdk-node': () => require('@opentelemetry/sdk-node'),
  '@opentelemetry/instrumentation-http': () => require('@opentelemetry/instrumentation-http'),
  '@opentelemetry/instrumentation-pg': () => require('@opentelemetry/instrumentation-pg'),
  '@opentelemetry/instrumentation-graphql': () => require('@opentelemetry/instrumentation-graphql'),
};

/** What a server that stops waits for the last spans to be sent, in milliseconds. */
const FLUSH_MS = 3_000;

// The packages are optional, so only what is used of them is described here.
interface Sdk {
  start(): void;
  shutdown(): Promise<void>;
}
interface Packages {
  readonly api: { readonly trace: { getActiveSpan(): Span | undefined } };
  readonly NodeSDK: new (options: object) => Sdk;
  readonly HttpInstrumentation: new (options: object) => object;
  readonly PgInstrumentation: new (options: object) => object;
  readonly GraphQLInstrumentation: new (options: object) => object;
}

export interface Tracing {
  /** Sends the spans that were not sent yet, or gives up after three seconds. */
  stop(): Promise<void>;
}

/**
 * Traces requests from now on and sends the traces over OTLP. The SDK reads its settings (endpoint, protocol, headers, sampler) from the
 * environment itself. Call it before `pg`, `graphql` and the HTTP server are imported.
 *
 * Spans have no text of a caller: values of variables and literals are left out, and so is the query of an address.
 *
 * @throws CommonspaceError PACKAGE_MISSING, with the command that installs the packages
 */
export function startTracing(serviceName: string): Tracing {
  const { api, NodeSDK, HttpInstrumentation, PgInstrumentation, GraphQLInstrumentation } = loadPackages();
  const sdk = new NodeSDK({
    serviceName,
    // Metrics are at /metrics, and the log is on stderr.
    metricReaders: [],
    logRecordProcessors: [],
    instrumentations: [
      new HttpInstrumentation({
        disableOutgoingRequestInstrumentation: true,
        ignoreIncomingRequestHook: ({ url = '' }: IncomingMessage) =>
          /^\/(healthz|readyz|metrics)\b/.test(url),
        applyCustomAttributesOnSpan: describeRequest,
      }),
      // Upkeep polls the database all the time; only statements of requests are of interest.
      new PgInstrumentation({ requireParentSpan: true, ignoreConnectSpans: true }),
      // A span for each root field. Deeper fields would make thousands of spans for one page.
      new GraphQLInstrumentation({ depth: 1, ignoreTrivialResolveSpans: true }),
    ],
  });
  sdk.start();
  findSpansBy(() => api.trace.getActiveSpan());
  // A required package is patched as it is loaded, and a later import gets the patched one: all of these are CommonJS. So no loader hook
  // is needed.
  for (const name of ['http', 'https', 'pg', 'graphql']) require(name);
  return {
    stop: async () => {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, FLUSH_MS);
      });
      // A collector that does not answer is no fault of the server that stops.
      await Promise.race([sdk.shutdown().catch(() => {}), late]);
      clearTimeout(timer);
    },
  };
}

function loadPackages(): Packages {
  const loaded = Object.entries(PACKAGES).map(([name, load]) => {
    try {
      return load();
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? String(error);
      throw new CommonspaceError(
        'PACKAGE_MISSING',
        `Traces (OTEL_EXPORTER_OTLP_ENDPOINT) need the package ${name}, which cannot be loaded (${code}). Install it: npm install ${Object.keys(PACKAGES).join(' ')}`,
        ['OTEL_EXPORTER_OTLP_ENDPOINT'],
        { cause: error },
      );
    }
  });
  return Object.assign({}, ...loaded) as Packages;
}

/** Names the span by its route, and removes the query of the address, which can hold texts and signatures. */
function describeRequest(span: Span, request: unknown): void {
  const { method = '', url = '' } = request as IncomingMessage;
  const [path = '', query] = url.split('?');
  const route = path.replace(/^\/media\/.*/, '/media/:id');
  span.updateName(`${method} ${route}`);
  span.setAttribute('http.route', route);
  if (query !== undefined) span.setAttribute('url.query', 'REDACTED');
}
