import type { FastifyInstance, FastifyRequest } from 'fastify';
import { SESSION_SECONDS } from '../services/access/sessions.js';
import { type Access, callerOf, needsKey, SESSION_COOKIE } from './access.js';

/**
 * POST /session: begins a session with the key of the request and sets its cookie, for pages in a browser. DELETE /session ends it in this
 * browser.
 */
export function registerSession(app: FastifyInstance, access: Pick<Access, 'beginSession'>): void {
  app.post('/session', async (request, reply) => {
    const caller = callerOf(request);
    // Without keys no session is needed, and it must not outlast the first key.
    const seconds = needsKey(request) ? SESSION_SECONDS : null;
    if (seconds !== null)
      reply.header('set-cookie', cookieOf(request, await access.beginSession(caller), seconds));
    return await reply
      .header('cache-control', 'no-store')
      .send({ name: caller.name, scopes: caller.scopes, seconds });
  });
  app.delete('/session', async (request, reply) =>
    reply
      .header('cache-control', 'no-store')
      .header('set-cookie', cookieOf(request, '', 0))
      .code(204)
      .send(),
  );
}

/** Secure where the browser uses TLS, also if a reverse proxy ends it. */
function cookieOf(request: FastifyRequest, value: string, seconds: number): string {
  const secure = request.protocol === 'https' || request.headers['x-forwarded-proto'] === 'https';
  return `${SESSION_COOKIE}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`;
}
