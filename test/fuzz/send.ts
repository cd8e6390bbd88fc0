import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { FuzzRequest } from './fuzz-request.js';

export interface Answer {
  /** Null: the connection ended without an answer. */
  readonly status: number | null;
  readonly contentType: string;
  readonly text: string;
  readonly ms: number;
  /** Why there is no answer. */
  readonly failure: string | null;
}

/** An answer that takes longer is a fault. */
export const PATIENCE_MS = 60_000;
/** A stream is read until its first event or for this time. */
const STREAM_MS = 200;
const MAX_BYTES = 20 * 2 ** 20;

/** Sends a request to a server on this machine, with headers that it may replace, and reads the answer. */
export async function send(
  address: string,
  request: FuzzRequest,
  headers: Readonly<Record<string, string>>,
): Promise<Answer> {
  const started = performance.now();
  const answer = await (request.raw === undefined
    ? sendHttp(address, request, headers)
    : sendRaw(address, request.raw));
  return { ...answer, ms: performance.now() - started };
}

type Received = Omit<Answer, 'ms'>;
const none = (failure: string): Received => ({ status: null, contentType: '', text: '', failure });

function sendHttp(
  address: string,
  request: FuzzRequest,
  common: Readonly<Record<string, string>>,
): Promise<Received> {
  const { hostname, port } = new URL(address);
  const { method, path, body, leaveAfterMs } = request;
  return new Promise((resolve) => {
    const headers = {
      ...common,
      ...(body !== null && { 'content-length': String(body.length) }),
      ...request.headers,
    };
    const sent = httpRequest({ hostname, port, method, path, headers, timeout: PATIENCE_MS }, (response) =>
      receive(response).then(resolve, (error: Error) => resolve(none(error.message))),
    );
    sent.on('timeout', () => sent.destroy(new Error('timeout')));
    sent.on('error', (error) => resolve(none(error.message)));
    if (leaveAfterMs !== undefined) setTimeout(() => sent.destroy(new Error('left')), leaveAfterMs).unref();
    sent.end(body ?? undefined);
  });
}

async function receive(response: IncomingMessage): Promise<Received> {
  const contentType = response.headers['content-type'] ?? '';
  const isStream = contentType.startsWith('text/event-stream');
  const timer = isStream ? setTimeout(() => response.destroy(), STREAM_MS) : undefined;
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response) {
      chunks.push(chunk as Buffer);
      bytes += (chunk as Buffer).length;
      if (bytes > MAX_BYTES || (isStream && Buffer.concat(chunks).includes('event: next'))) break;
    }
  } catch (error) {
    if (!isStream) throw error;
  } finally {
    clearTimeout(timer);
    response.destroy();
  }
  const text = Buffer.concat(chunks).toString('utf8');
  return { status: response.statusCode ?? null, contentType, text, failure: null };
}

/** Sends bytes, and reads what comes within a moment. */
function sendRaw(address: string, bytes: Buffer): Promise<Received> {
  const { hostname, port } = new URL(address);
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(port), hostname);
    const end = () => {
      clearTimeout(timer);
      const text = Buffer.concat(chunks).toString('utf8');
      const status = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1];
      resolve({
        status: status === undefined ? null : Number(status),
        contentType: '',
        text,
        failure: 'raw',
      });
    };
    const timer = setTimeout(() => socket.destroy(), 60);
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', () => {});
    socket.on('close', end);
    socket.write(bytes);
  });
}
