import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { prefersHtml } from './accept.js';

/** The built page. It is there after `npm run build`. */
const FOLDER = fileURLToPath(new URL('../../dist/web', import.meta.url));
const ASSETS = '/assets/';

/** Addresses that the page shows a part for. A browser that opens one gets the page. */
const PARTS = [
  '/items/:id',
  '/add',
  '/classes',
  '/classes/:id',
  '/encoders',
  '/encoders/:id',
  '/map',
  '/jobs',
  '/jobs/:id',
  '/graphiql',
  '/keys',
] as const;

/**
 * The page may load its own files and pictures and send requests to this server, and nothing else. A picture of an upload is a `blob:`
 * before it is sent.
 */
const POLICY = policy(["style-src 'self'"]);

/**
 * Policies of parts that need more. The editor of /graphiql makes style sheets, has a font for its icons, and checks what is typed in
 * workers, which are files of ours. The page loads its document anew when it goes there and when it leaves.
 */
const POLICIES: Readonly<Record<string, string>> = {
  '/graphiql': policy(["style-src 'self' 'unsafe-inline'", "font-src 'self'", "worker-src 'self'"]),
};

function policy(more: readonly string[]): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    ...more,
    "img-src 'self' blob: data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/** The page as a reply to a browser; null if it was not built. */
export type SendPage = ((reply: FastifyReply) => FastifyReply) | null;

/** Serves the page's files and its parts. Files carry their hash in the name, so browsers keep them. */
export async function registerPage(app: FastifyInstance): Promise<SendPage> {
  if (!existsSync(join(FOLDER, 'index.html'))) return null;
  const html = await readFile(join(FOLDER, 'index.html'), 'utf8');
  const send = (reply: FastifyReply) =>
    reply
      .type('text/html; charset=utf-8')
      .headers({
        'content-security-policy': POLICIES[reply.request.routeOptions.url ?? ''] ?? POLICY,
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-cache',
        vary: 'accept',
      })
      .send(html);
  await app.register(fastifyStatic, {
    root: join(FOLDER, 'assets'),
    prefix: ASSETS,
    preCompressed: true,
    immutable: true,
    maxAge: '1y',
    index: false,
    // An answer 404 is ours, and not kept by browsers.
    wildcard: false,
  });
  for (const part of PARTS) {
    app.get(part, (request, reply) => (prefersHtml(request) ? send(reply) : reply.callNotFound()));
  }
  return send;
}

/** Whether a request is for the page or one of its files. They hold nothing of the catalogue. */
export function isPageFile(path: string, asPage: boolean): boolean {
  return path.startsWith(ASSETS) || (asPage && ['/', ...PARTS].some((part) => matches(part, path)));
}

function matches(pattern: string, path: string): boolean {
  const [wanted, given] = [pattern, path].map((text) => text.split('/'));
  return (
    wanted?.length === given?.length &&
    (wanted ?? []).every((part, i) => part.startsWith(':') || part === given?.[i])
  );
}
