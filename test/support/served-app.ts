import type { FastifyInstance, InjectOptions } from 'fastify';
import { pino } from 'pino';
import { createApp } from '../../src/http/app.js';
import type { Services } from '../../src/services/services.js';
import type { TestApp } from './app.js';
import type { DatabaseKind } from './catalog.js';

/**
 * With TEST_SERVERS=2, the tests that use `serveApp` run on two servers on a database of TEST_DATABASE_URL, which answer in turn. Tests that look into
 * a server are skipped then.
 */
export const IN_TURN = process.env.TEST_SERVERS === '2';

export const SERVED_KIND: DatabaseKind = IN_TURN ? 'server' : 'embedded';

/** What answers requests: one server, or two in turn. */
export interface Served {
  inject(request: InjectOptions): ReturnType<FastifyInstance['inject']>;
  close(): Promise<void>;
}

/** The HTTP API of an application without keys. Close it before the application. */
export async function serveApp(app: TestApp): Promise<Served> {
  const serve = (services: Services) =>
    createApp({ services, logger: pino({ level: 'silent' }), apiKeys: [], loopback: true });
  const servers = [await serve(app)];
  if (IN_TURN) servers.push(await serve(await app.another()));
  let turn = 0;
  return {
    inject: (request) => {
      const server = servers[turn++ % servers.length];
      if (server === undefined) throw new Error('no server');
      return server.inject(request) as ReturnType<FastifyInstance['inject']>;
    },
    close: async () => {
      for (const server of servers) await server.close();
    },
  };
}
