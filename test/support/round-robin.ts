import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An HTTP proxy that sends each request to the next server, without sticky sessions. It answers 502 if the server cannot be reached. */
export interface RoundRobin {
  readonly address: string;
  /** The requests that each server was sent. */
  readonly passed: readonly number[];
  /** Puts a server in the place of another. */
  replace(index: number, address: string): void;
  close(): Promise<void>;
}

/** @param servers their addresses */
export async function startRoundRobin(servers: readonly string[]): Promise<RoundRobin> {
  const addresses = [...servers];
  const passed = addresses.map(() => 0);
  const agent = new Agent({ keepAlive: true });
  let turn = 0;
  const pass = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const index = turn++ % addresses.length;
    passed[index] = (passed[index] ?? 0) + 1;
    const { method, headers, url } = incoming;
    const target = new URL(url ?? '/', addresses[index]);
    const onward = request(target, { method, headers, agent }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      // So that streams of events begin before their first event.
      outgoing.flushHeaders();
      answer.pipe(outgoing);
      answer.once('error', () => outgoing.destroy());
    });
    onward.once('error', () => {
      if (outgoing.headersSent) outgoing.destroy();
      else outgoing.writeHead(502).end();
    });
    outgoing.once('close', () => onward.destroy());
    incoming.pipe(onward);
  };
  const proxy = createServer(pass);
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return {
    address: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    passed,
    replace: (index, address) => {
      addresses[index] = address;
    },
    close: async () => {
      const closed = new Promise((resolve) => proxy.close(resolve));
      proxy.closeAllConnections();
      agent.destroy();
      await closed;
    },
  };
}
