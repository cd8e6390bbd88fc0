import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { shapePairs } from '../factories/shapes.js';
import { ServerProcess } from '../support/server-process.js';
import type { Pool } from './pool.js';

/** A line of the server's log at the level of errors. */
export interface LoggedError {
  readonly requestId: string | null;
  readonly message: string;
}

/** Requests make and revoke keys. This one they cannot revoke. */
const KEY = 'a-key-of-the-environment-for-requests';
export const KEY_HEADER = { authorization: `Bearer ${KEY}` };

const TRAIN = `mutation { trainEncoder(input: {preset: PAPER, epochs: 2, options: {tune: "none"}, activate: true}) {
  encoder { id } errors { message } } }`;
const READ = `{ items(first: 3) { pageInfo { endCursor } } classes { nodes { id name } pageInfo { endCursor } }
  encoders(first: 20) { nodes { id state dimension } pageInfo { endCursor } }
  crossModalSearch(query: {text: "red"}, first: 3) { pageInfo { endCursor } } }`;

/** A server with the embedded database, 60 pairs of coloured shapes and a trained encoder. */
export class FuzzedServer {
  private constructor(
    readonly folder: string,
    /** Lines of its log, which are errors. */
    readonly errors: readonly LoggedError[],
    private readonly server: ServerProcess,
    private readonly pictures: { readonly server: Server; readonly addresses: readonly string[] },
  ) {}

  static async start(): Promise<FuzzedServer> {
    const folder = await mkdtemp(join(tmpdir(), 'commonspace-fuzz-'));
    const pictures = await servePictures();
    const errors: LoggedError[] = [];
    const env = { COMMONSPACE_FETCH_ALLOW: '127.0.0.0/8', COMMONSPACE_API_KEYS: KEY };
    const server = await ServerProcess.start(folder, env, (line) => errors.push(...errorOf(line)));
    const fuzzed = new FuzzedServer(folder, errors, server, pictures);
    await fuzzed.ingest();
    await fuzzed.train();
    return fuzzed;
  }

  get address(): string {
    return this.server.address;
  }

  get isRunning(): boolean {
    return this.server.isRunning;
  }

  /** Stores what requests have deleted or changed, and reads what the catalogue has. */
  async prepare(): Promise<Pool> {
    const ids = await this.ingest();
    const pairs = await shapePairs();
    const media = await Promise.all(pairs.slice(0, 4).map(({ png }) => this.upload(png)));
    const { items, classes, encoders, crossModalSearch } = await this.server.ask<Read>(READ);
    const pages = [items, classes, encoders, crossModalSearch];
    return {
      items: ids,
      media,
      classes: classes.nodes.map(({ id }) => id),
      classNames: classes.nodes.map(({ name }) => name),
      encoders: encoders.nodes.map(({ id }) => id),
      dimension: encoders.nodes.find(({ state }) => state === 'ACTIVE')?.dimension ?? 1,
      cursors: pages.flatMap(({ pageInfo: { endCursor } }) => (endCursor === null ? [] : [endCursor])),
      keys: pairs.flatMap(({ key }) => [`${key}.png`, `${key}.txt`, key]),
      pictures: pairs.slice(0, 8).map(({ png }) => png),
      addresses: this.pictures.addresses,
    };
  }

  /** Whether it answers, and its search finds something; the reason if not. */
  async check(): Promise<string | null> {
    if (!this.isRunning) return 'the server has ended';
    const health = await this.server.healthz();
    if (health !== 200) return `/healthz answers with status ${health}`;
    // The requests may have deleted all items.
    await this.server.ask(
      'mutation { ingest(input: {items: [{content: {text: "a red circle"}}]}) { failed } }',
    );
    const found = await this.server.ask<{ crossModalSearch: { nodes: unknown[] } }>(
      '{ crossModalSearch(query: {text: "a red circle"}) { nodes { id } } }',
    );
    return found.crossModalSearch.nodes.length === 0 ? 'a search finds nothing' : null;
  }

  /** The largest resident memory that the process had, in megabytes; null where the system does not tell. */
  peakMegabytes(): number | null {
    const path = `/proc/${this.server.pid}/status`;
    const peak = existsSync(path) ? /VmHWM:\s+(\d+) kB/.exec(readFileSync(path, 'utf8'))?.[1] : undefined;
    return peak === undefined ? null : Math.round(Number(peak) / 1024);
  }

  /** Stops the server in good order, and removes its folder. @returns its exit code */
  async stop(): Promise<number | null> {
    const code = await this.server.stop();
    this.pictures.server.close();
    await rm(this.folder, { recursive: true, force: true });
    return code;
  }

  private async ingest(): Promise<string[]> {
    const items = (await shapePairs()).flatMap(({ key, png, caption, shape, colour }) => {
      const common = { pairKey: key, classes: [shape], metadata: { colour } };
      return [
        { ...common, externalId: `${key}.png`, content: { imageBase64: png.toString('base64') } },
        { ...common, externalId: `${key}.txt`, content: { text: caption } },
      ];
    });
    const data = await this.server.ask<{ ingest: { results: { item: { id: string } | null }[] } }>(
      'mutation ($input: IngestInput!) { ingest(input: $input) { results { item { id } } } }',
      { input: { items } },
    );
    return data.ingest.results.map(({ item }) => item?.id ?? '00000000-0000-7000-8000-000000000000');
  }

  private async upload(png: Buffer): Promise<string> {
    const response = await fetch(`${this.address}/media`, {
      method: 'POST',
      headers: { 'content-type': 'image/png', ...KEY_HEADER },
      body: new Uint8Array(png),
    });
    return ((await response.json()) as { id: string }).id;
  }

  private async train(): Promise<void> {
    await this.server.ask(TRAIN);
    for (;;) {
      const { encoders } = await this.server.ask<{ encoders: { nodes: { state: string }[] } }>(
        '{ encoders { nodes { state } } }',
      );
      const state = encoders.nodes[0]?.state;
      if (state === 'ACTIVE') return;
      if (state === 'FAILED') throw new Error('the training failed');
      await setTimeout(100);
    }
  }
}

function errorOf(line: string): LoggedError[] {
  // libvips warns of the size of a drawing that it then refuses.
  if (line === '' || line.includes('GLib-GObject')) return [];
  const { level, requestId, msg, err } = parse(line);
  if (level !== undefined && level < 50) return [];
  return [{ requestId: requestId ?? null, message: `${msg ?? line} ${err?.stack ?? ''}`.trim() }];
}

interface LogLine {
  readonly level?: number;
  readonly requestId?: string;
  readonly msg?: string;
  readonly err?: { readonly stack?: string };
}

/** A line that is no JSON is an error too: what Node writes before it ends. */
function parse(line: string): LogLine {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return {};
  }
}

interface Page<Node> {
  readonly nodes: readonly Node[];
  readonly pageInfo: { readonly endCursor: string | null };
}

interface Read {
  readonly items: Page<never>;
  readonly classes: Page<{ readonly id: string; readonly name: string }>;
  readonly encoders: Page<{ readonly id: string; readonly state: string; readonly dimension: number | null }>;
  readonly crossModalSearch: Page<never>;
}

/** A server of pictures, of answers that are none, and of broken ones. */
async function servePictures(): Promise<{ server: Server; addresses: string[] }> {
  const [pair] = await shapePairs();
  const server = createServer((request, response) => {
    switch (request.url) {
      case '/picture.png':
        response.end(pair?.png);
        break;
      case '/loop':
        response.writeHead(302, { location: '/loop' }).end();
        break;
      case '/elsewhere':
        response.writeHead(302, { location: 'http://[::1]:1/' }).end();
        break;
      case '/nonsense':
        response.writeHead(302, { location: 'http://%00/' }).end();
        break;
      case '/cut':
        response.writeHead(200, { 'content-length': '1000' }).write('abc', () => response.destroy());
        break;
      case '/large':
        response.writeHead(200, { 'content-length': String(2 ** 40) }).write('abc');
        break;
      case '/encoded':
        response.writeHead(200, { 'content-encoding': 'gzip' }).end('not gzip');
        break;
      default:
        response.writeHead(500).end('<html>');
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  const { port } = server.address() as AddressInfo;
  const paths = [
    'picture.png',
    'picture.png',
    'picture.png',
    'loop',
    'elsewhere',
    'nonsense',
    'cut',
    'large',
    'encoded',
    'missing',
  ];
  return { server, addresses: paths.map((path) => `http://127.0.0.1:${port}/${path}`) };
}
