import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { expect } from 'vitest';
import { type AppOptions, createApp, listen } from '../../src/http/app.js';
import type { Services } from '../../src/services/services.js';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** Whether there is a browser to run tests of the page in; says so if not. */
export function hasBrowser(): boolean {
  const found = existsSync(CHROMIUM);
  if (!found) console.warn(`skipped: ${CHROMIUM} is not installed (apt-get install chromium)`);
  return found;
}

type HostOptions = Pick<Partial<AppOptions>, 'apiKeys' | 'trustedDocuments' | 'introspection'>;

/** A server of services with a browser that opens its page. */
export class PageHost {
  /** What the browser printed as an error, and what scripts threw. */
  readonly faults: string[] = [];

  private constructor(
    private http: FastifyInstance,
    readonly address: string,
    private readonly browser: Browser,
    private readonly services: Services,
    private readonly options: HostOptions,
  ) {}

  static async open(services: Services, options: HostOptions = {}): Promise<PageHost> {
    const http = await serve(services, options);
    const address = await listen(http, '127.0.0.1', 0);
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS });
    return new PageHost(http, address, browser, services, options);
  }

  /** A new browser window, at a path of the page. */
  async visit(path: string, options: BrowserContextOptions = {}): Promise<Page> {
    const context = await this.browser.newContext({ locale: 'en', baseURL: this.address, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    page.on('pageerror', (error) => this.faults.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') this.faults.push(message.text());
    });
    await page.goto(path);
    return page;
  }

  /** The server is gone. */
  async stop(): Promise<void> {
    const closed = this.http.close();
    // The browser keeps connections for a next request.
    this.http.server.closeAllConnections();
    await closed;
  }

  /** It is back, at the same address. */
  async start(): Promise<void> {
    this.http = await serve(this.services, this.options);
    await listen(this.http, '127.0.0.1', Number(new URL(this.address).port));
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.stop();
  }
}

/** No rule of accessibility of WCAG 2 A and AA is broken on a page, except within what a selector names: components that are not ours. */
export async function expectAccessible(page: Page, except: string | null = null): Promise<void> {
  // Not as a script of the page, which its policy refuses.
  await page.evaluate(await readFile(AXE, 'utf8'));
  const violations = await page.evaluate(async (exclude) => {
    const { axe } = globalThis as unknown as { axe: Axe };
    const context = exclude === null ? document : { exclude: [exclude] };
    const { violations: found } = await axe.run(context, { resultTypes: ['violations'] });
    return found.map(({ id, nodes }) => ({ id, nodes: nodes.map(({ html }) => html.slice(0, 200)) }));
  }, except);
  expect(violations).toEqual([]);
}

interface Axe {
  readonly run: (context: object, options: object) => Promise<AxeResult>;
}

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly nodes: readonly { readonly html: string }[];
  }[];
}

function serve(services: Services, options: HostOptions): Promise<FastifyInstance> {
  return createApp({
    services,
    logger: pino({ level: 'silent' }),
    apiKeys: [],
    loopback: true,
    ...options,
  });
}
