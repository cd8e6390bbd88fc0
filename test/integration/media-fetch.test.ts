import { createServer, type RequestListener, type Server } from 'node:http';
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Socket,
  type Server as TcpServer,
} from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FetchBudget } from '../../src/domain/fetch-budget.js';
import { fetchImage } from '../../src/media/fetch-image.js';
import { codeOf, noise } from './media-pictures.js';

const LOCAL = { allowNetworks: ['127.0.0.1/32'] };
const opened: (Server | TcpServer)[] = [];
afterEach(() => {
  for (const server of opened.splice(0)) {
    if ('closeAllConnections' in server) server.closeAllConnections();
    server.close();
  }
});

async function listening<T extends Server | TcpServer>(server: T, host: string): Promise<number> {
  opened.push(server);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return (server.address() as AddressInfo).port;
}

/** Starts an HTTP server on loopback and returns its address. */
async function serve(listener: RequestListener, host = '127.0.0.1'): Promise<string> {
  return `http://${host}:${await listening(createServer(listener), host)}`;
}

/** Starts a server that writes arbitrary bytes to its sockets. */
async function serveRaw(onSocket: (socket: Socket) => void): Promise<string> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => {});
    onSocket(socket);
  });
  return `http://127.0.0.1:${await listening(server, '127.0.0.1')}`;
}

async function failureOf(work: Promise<unknown>): Promise<{ code: string; message: string }> {
  return work.then(
    () => ({ code: 'no error', message: '' }),
    (error: { code: string; message: string }) => ({ code: error.code, message: error.message }),
  );
}

describe('fetching', () => {
  it('returns the bytes, independent of the content type', async () => {
    const picture = await noise(40, 30).png().toBuffer();
    const seen: (string | undefined)[] = [];
    const base = await serve((request, response) => {
      seen.push(request.url, request.headers.host, request.headers.authorization, request.headers.cookie);
      response.setHeader('content-type', 'text/html').end(picture);
    });
    expect((await fetchImage(`${base}/a%20b.png?x=1#part`, LOCAL)).equals(picture)).toBe(true);
    expect(seen).toEqual(['/a%20b.png?x=1', base.slice('http://'.length), undefined, undefined]);
  });

  it('accepts a body without a length', async () => {
    const base = await serve((_request, response) => {
      response.write('one ');
      response.end('two');
    });
    expect((await fetchImage(base, LOCAL)).toString()).toBe('one two');
  });

  it('follows redirects, relative ones too, up to five', async () => {
    const base = await serve((request, response) => {
      const step = Number(request.url?.slice(1));
      if (step === 0) response.end('there');
      else
        response
          .writeHead([301, 302, 303, 307, 308][step % 5] as number, { location: `/${step - 1}` })
          .end('no');
    });
    expect((await fetchImage(`${base}/5`, LOCAL)).toString()).toBe('there');
    expect(await codeOf(fetchImage(`${base}/6`, LOCAL))).toBe('FETCH_FAILED');
  });

  it('uses no proxy of the environment', async () => {
    const base = await serve((_request, response) => response.end('direct'));
    const asked: unknown[] = [];
    const proxy = await serve((request, response) => {
      asked.push(request.url);
      response.end('proxied');
    });
    for (const name of ['http_proxy', 'HTTP_PROXY', 'ALL_PROXY']) vi.stubEnv(name, proxy);
    try {
      expect((await fetchImage(base, LOCAL)).toString()).toBe('direct');
      expect(asked).toEqual([]);
    } finally {
      vi.unstubAllEnvs();
    }
  });
});

describe('addresses', () => {
  it.each([
    'http://127.0.0.1/',
    'http://127.0.0.1./',
    'http://localhost/',
    'http://localhost./',
    'http://LOCALHOST:8080/',
    'http://a.localhost/',
    'http://2130706433/',
    'http://0x7f.1/',
    'http://0177.0.0.1/',
    'http://127.1/',
    'http://0/',
    'http://\uff11\uff12\uff17.0.0.1/',
    'http://10.0.0.1/',
    'http://169.254.169.254/latest/meta-data',
    'http://[::1]/',
    'http://[::]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[64:ff9b::7f00:1]/',
    'http://[2002:7f00:1::]/',
    'http://[fd00::1]/',
    'https://192.168.0.1:8443/',
    'ftp://1.1.1.1/',
    'file:///etc/passwd',
    'data:image/png;base64,AAAA',
    'http://user:secret@1.1.1.1/',
    'http://user@1.1.1.1/',
  ])('%s is not allowed', async (url) => {
    expect(await codeOf(fetchImage(url))).toBe('ADDRESS_NOT_ALLOWED');
  });

  it.each(['', 'picture.png', '//example.org/a', 'http://', 'http://[::1', `http://a/${'a'.repeat(9000)}`])(
    '%j is not an address',
    async (url) => {
      expect(await codeOf(fetchImage(url))).toBe('BAD_INPUT');
    },
  );

  it('are reached only in allowed networks', async () => {
    const hits: string[] = [];
    const base = await serve((request, response) => {
      hits.push(request.url ?? '');
      response.end('in');
    });
    expect(await codeOf(fetchImage(base))).toBe('ADDRESS_NOT_ALLOWED');
    expect(await codeOf(fetchImage(base, { allowNetworks: ['127.0.0.2/32', '10.0.0.0/8'] }))).toBe(
      'ADDRESS_NOT_ALLOWED',
    );
    expect(hits).toEqual([]);
    expect((await fetchImage(base, { allowNetworks: ['127.0.0.0/8'] })).toString()).toBe('in');
    expect((await fetchImage(base.replace('127.0.0.1', 'localhost'), LOCAL)).toString()).toBe('in');
  });

  it('are checked again at every redirect', async () => {
    const inner: string[] = [];
    const secret = await serve((request, response) => {
      inner.push(request.url ?? '');
      response.end('secret');
    }, '127.0.0.2');
    const targets = [
      secret,
      secret.replace('127.0.0.2', '127.0.0.2.'),
      'file:///etc/passwd',
      'http://a:b@127.0.0.1/',
    ];
    for (const location of targets) {
      const base = await serve((_request, response) => response.writeHead(302, { location }).end());
      expect(await codeOf(fetchImage(base, LOCAL))).toBe('ADDRESS_NOT_ALLOWED');
    }
    expect(inner).toEqual([]);
    // The server is reachable, so the rule refused the address.
    expect((await fetchImage(secret, { allowNetworks: ['127.0.0.2'] })).toString()).toBe('secret');
  });
});

describe('names', () => {
  const at = (port: number | string) => `http://pictures.example:${port}/a.png`;
  const portOf = (base: string) => new URL(base).port;

  it.each([
    ['a private address', ['127.0.0.1']],
    ['a public and a private one', ['93.184.215.14', '127.0.0.1']],
    ['a private one mapped to IPv6', ['2606:4700::1111', '::ffff:10.0.0.1']],
    ['a text that is not an address', ['93.184.215.14', 'elsewhere.example']],
  ])('that lead to %s are not allowed, and the error names no address', async (_what, addresses) => {
    const failure = await failureOf(fetchImage(at(80), { resolve: async () => addresses }));
    expect(failure.code).toBe('ADDRESS_NOT_ALLOWED');
    expect(failure.message).toContain('pictures.example');
    for (const address of addresses) expect(failure.message).not.toContain(address);
  });

  it('are resolved once, and connected to at the checked address with their own Host header', async () => {
    const hosts: (string | undefined)[] = [];
    const base = await serve((request, response) => {
      hosts.push(request.headers.host);
      response.end('pinned');
    });
    const asked: string[] = [];
    // A rebinding name: the first lookup returns an allowed address, later ones do not.
    const resolve = async (hostname: string) => {
      asked.push(hostname);
      return asked.length === 1 ? ['127.0.0.1'] : ['127.0.0.2'];
    };
    const bytes = await fetchImage(at(portOf(base)), { ...LOCAL, resolve });
    expect(bytes.toString()).toBe('pinned');
    expect(asked).toEqual(['pictures.example']);
    expect(hosts).toEqual([`pictures.example:${portOf(base)}`]);
  });

  it('are resolved again at a redirect, and refused if the address is no longer allowed', async () => {
    const base = await serve((_request, response) => response.writeHead(302, { location: '/again' }).end());
    let asked = 0;
    const resolve = async () => (asked++ === 0 ? ['127.0.0.1'] : ['127.0.0.2']);
    expect(await codeOf(fetchImage(at(portOf(base)), { ...LOCAL, resolve }))).toBe('ADDRESS_NOT_ALLOWED');
    expect(asked).toBe(2);
  });

  it('use another address if one does not answer', async () => {
    const base = await serve((_request, response) => response.end('second'));
    const policy = { allowNetworks: ['127.0.0.0/8'], resolve: async () => ['127.0.0.3', '127.0.0.1'] };
    expect((await fetchImage(at(portOf(base)), policy)).toString()).toBe('second');
  });

  it('that are unknown or have no address are refused', async () => {
    const unknown = Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' });
    expect(await failureOf(fetchImage(at(80), { resolve: () => Promise.reject(unknown) }))).toMatchObject({
      code: 'FETCH_FAILED',
      message: expect.stringContaining('not known'),
    });
    expect(await codeOf(fetchImage(at(80), { resolve: async () => [] }))).toBe('FETCH_FAILED');
  });
});

describe('servers that misbehave', () => {
  it.each([404, 403, 500, 304])('status %i is FETCH_FAILED with the status', async (status) => {
    const base = await serve((_request, response) => response.writeHead(status).end());
    const failure = await failureOf(fetchImage(base, LOCAL));
    expect(failure.code).toBe('FETCH_FAILED');
    expect(failure.message).toContain(String(status));
  });

  it('a closed port: FETCH_FAILED without the address', async () => {
    const base = await serve(() => {});
    opened.splice(0).forEach((server) => void server.close());
    const failure = await failureOf(fetchImage(base, LOCAL));
    expect(failure).toEqual({
      code: 'FETCH_FAILED',
      message: 'The address could not be fetched: ECONNREFUSED.',
    });
  });

  it('an endless body is cut at the limit, and the connection is closed', async () => {
    let dropped = () => {};
    const closed = new Promise<void>((resolve) => {
      dropped = resolve;
    });
    const base = await serve((request, response) => {
      const more = () => {
        while (response.write(Buffer.alloc(65_536)));
      };
      request.socket.on('close', dropped);
      response.on('drain', more);
      more();
    });
    expect(await codeOf(fetchImage(base, { ...LOCAL, maxBytes: 1_000_000 }))).toBe('IMAGE_TOO_LARGE');
    await closed;
  });

  it('the budget of a request is shared by its fetches', async () => {
    const base = await serve((_request, response) => {
      // In two chunks, without a length.
      response.write(Buffer.alloc(300_000));
      response.end(Buffer.alloc(300_000));
    });
    const fetches = new FetchBudget(1_000_000);
    expect((await fetchImage(base, LOCAL, { fetches })).length).toBe(600_000);
    expect(await codeOf(fetchImage(base, LOCAL, { fetches }))).toBe('FETCH_BUDGET_EXCEEDED');
    expect(await codeOf(fetchImage(base, LOCAL, { fetches }))).toBe('FETCH_BUDGET_EXCEEDED');
    expect((await fetchImage(base, LOCAL, { fetches: new FetchBudget() })).length).toBe(600_000);
  });

  it('a body whose declared length is too large is not read', async () => {
    const base = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': String(20 * 1024 * 1024 + 1) }).write('x');
    });
    expect(await codeOf(fetchImage(base, LOCAL))).toBe('IMAGE_TOO_LARGE');
  });

  const stalls: Record<string, (socket: Socket) => void> = {
    'headers that never come': () => {},
    'headers that never end': (socket) => socket.write('HTTP/1.1 200 OK\r\nx-a: '),
    'a body that stalls': (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc'),
    'a body that trickles': (socket) => {
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
      const timer = setInterval(() => socket.write('1\r\na\r\n'), 20);
      socket.on('close', () => clearInterval(timer));
    },
  };
  it.each(Object.keys(stalls))('%s: FETCH_TIMEOUT', async (name) => {
    const base = await serveRaw(stalls[name] as (socket: Socket) => void);
    expect(await codeOf(fetchImage(base, { ...LOCAL, timeoutMs: 150 }))).toBe('FETCH_TIMEOUT');
  });

  it('a lookup without an answer: FETCH_TIMEOUT', async () => {
    const resolve = () => new Promise<string[]>(() => {});
    expect(await codeOf(fetchImage('http://slow.example/', { resolve, timeoutMs: 50 }))).toBe(
      'FETCH_TIMEOUT',
    );
  });

  it('slow redirects in a loop: the time limit applies to the whole fetch', async () => {
    const base = await serve((_request, response) => {
      setTimeout(() => response.writeHead(302, { location: '/' }).end(), 60);
    });
    expect(await codeOf(fetchImage(base, { ...LOCAL, timeoutMs: 150, maxRedirects: 1000 }))).toBe(
      'FETCH_TIMEOUT',
    );
    expect(await codeOf(fetchImage(base, LOCAL))).toBe('FETCH_FAILED');
  });

  it.each<[string, string]>([
    ['a truncated body', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc'],
    ['a protocol other than HTTP', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['endless headers', `HTTP/1.1 200 OK\r\n${'x-a: b\r\n'.repeat(10_000)}`],
    [
      'a redirect to an invalid address',
      'HTTP/1.1 302 Found\r\nlocation: http://[\r\ncontent-length: 0\r\n\r\n',
    ],
    ['a redirect without an address', 'HTTP/1.1 302 Found\r\ncontent-length: 0\r\n\r\n'],
  ])('%s: FETCH_FAILED', async (_what, answer) => {
    const base = await serveRaw((socket) => socket.end(answer));
    expect(await codeOf(fetchImage(base, LOCAL))).toBe('FETCH_FAILED');
  });

  it('a compressed body is refused without decompression', async () => {
    const base = await serve((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(10_000_000)));
    });
    expect(await codeOf(fetchImage(base, LOCAL))).toBe('FETCH_FAILED');
  });

  it('no bytes: EMPTY_IMAGE', async () => {
    const base = await serve((_request, response) => response.end());
    expect(await codeOf(fetchImage(base, LOCAL))).toBe('EMPTY_IMAGE');
  });
});

describe('cancelling', () => {
  it('ends a running fetch and closes its connection', async () => {
    const controller = new AbortController();
    let dropped = () => {};
    const closed = new Promise<void>((resolve) => {
      dropped = resolve;
    });
    const base = await serveRaw((socket) => {
      socket.on('close', dropped);
      controller.abort();
    });
    expect(await codeOf(fetchImage(base, LOCAL, { signal: controller.signal }))).toBe('CANCELLED');
    await closed;
  });

  it('before the start opens no connection', async () => {
    let asked = false;
    const base = await serve((_request, response) => {
      asked = true;
      response.end('x');
    });
    expect(await codeOf(fetchImage(base, LOCAL, { signal: AbortSignal.abort() }))).toBe('CANCELLED');
    expect(asked).toBe(false);
  });
});
