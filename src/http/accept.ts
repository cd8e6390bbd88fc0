import type { FastifyRequest } from 'fastify';

/** The quality, 0 to 1, that the Accept header gives to a media type by its full name; wildcards do not count. */
function acceptQuality({ headers }: FastifyRequest, mediaType: string): number {
  const qualities = (headers.accept ?? '').split(',').flatMap((range) => {
    const [type, ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    if (type !== mediaType) return [];
    const quality = parameters.find((parameter) => parameter.startsWith('q='));
    return [quality === undefined ? 1 : Number(quality.slice(2)) || 0];
  });
  return Math.max(0, ...qualities);
}

/** Whether the client is a browser that opens a page. JSON stays the default. */
export function prefersHtml(request: FastifyRequest): boolean {
  return acceptQuality(request, 'text/html') > acceptQuality(request, 'application/json');
}

/** Whether the caller accepts the answer as server-sent events. */
export function wantsStream(request: FastifyRequest): boolean {
  return acceptQuality(request, 'text/event-stream') > 0;
}

/** Whether a browser opens /graphql as a page, without an operation. */
export function opensGraphqlPage(request: FastifyRequest): boolean {
  const { query } = request.query as { readonly query?: string };
  return request.method === 'GET' && query === undefined && prefersHtml(request) && !wantsStream(request);
}
