import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Sends a page; `needsKey` adds the header with the API key to its examples. */
export type SendPage = (request: FastifyRequest, reply: FastifyReply, needsKey: boolean) => FastifyReply;

/** What this server is, and its endpoints. */
export const sendHomePage = createPage('home.html');

/** How to send a GraphQL request. */
export const sendGraphqlPage = createPage('graphql.html');

function createPage(file: string): SendPage {
  const style = readPart('page.css');
  const template = readPart(file).replace('<!-- style -->', () => `<style>${style}</style>`);
  const styleHash = createHash('sha256').update(style).digest('base64');
  const policy = `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
  return (request, reply, needsKey) =>
    reply
      .type('text/html; charset=utf-8')
      .headers({ 'content-security-policy': policy, 'referrer-policy': 'no-referrer', vary: 'accept' })
      .send(
        template
          .replaceAll('{{origin}}', originOf(request))
          .replaceAll('{{authorization}}', needsKey ? "\n  -H 'authorization: Bearer API_KEY' \\" : ''),
      );
}

function readPart(name: string): string {
  return readFileSync(new URL(`pages/${name}`, import.meta.url), 'utf8');
}

/**
 * The origin as the client knows it. It becomes part of markup and of a shell command, so a host with any other character
 * than those of host names and ports is replaced.
 */
function originOf({ protocol, host, headers }: FastifyRequest): string {
  const scheme = headers['x-forwarded-proto'] === 'https' ? 'https' : protocol;
  return `${scheme}://${/^[\w.:[\]-]+$/.test(host) ? host : 'localhost:4000'}`;
}
