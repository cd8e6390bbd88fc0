import pg from 'pg';
import { Prisma } from '../../__generated__/prisma/client.js';
import { CommonspaceError, isErrorCode } from '../../domain/errors.js';
import { throwIfRequestCancelled } from '../../platform/request-work.js';

/** Receives the whole error when a connection is lost or cannot be opened. */
export type ReportConnectionError = (error: Error) => void;

/**
 * Runs statements. An error that ends or refuses the connection is reported whole and rethrown as DATABASE_UNREACHABLE, and
 * the end of a statement by its time limit or by its caller as DATABASE_TIMEOUT or CANCELLED. Every other error is rethrown as
 * it is.
 */
export type Guard = <T>(statements: () => Promise<T>) => Promise<T>;

export function createGuard(report: ReportConnectionError): Guard {
  return async (statements) => {
    try {
      return await statements();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      throwWithoutPrisma(error);
      if (isCancellation(error)) {
        throwIfRequestCancelled();
        const message = 'The database did not finish a statement within its time limit. Try again later.';
        throw new CommonspaceError('DATABASE_TIMEOUT', message, [], { cause: error });
      }
      if (!isConnectionError(error)) throw error;
      report(error);
      throw new CommonspaceError(
        'DATABASE_UNREACHABLE',
        'The database does not answer, or the connection to it was lost. Try again later.',
        [],
        { cause: error },
      );
    }
  };
}

/** SQLSTATE codes, besides class 08, with which the server ends or refuses a connection (FATAL in an English locale). */
const SERVER_CODES: ReadonlySet<unknown> = new Set([
  '57P01', // admin_shutdown, pg_terminate_backend
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now: the server starts or stops
  '57P04', // database_dropped
  '57P05', // idle_session_timeout
  '25P03', // idle_in_transaction_session_timeout
  '53300', // too_many_connections
]);

/** Codes of Node for a socket that is closed or cannot be opened. */
const SOCKET_CODES: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  // The file of a unix socket does not exist.
  'ENOENT',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_WRITE_AFTER_END',
]);

/** The driver and its pool give these errors no code. */
const DRIVER_MESSAGES: ReadonlySet<string> = new Set([
  'Connection terminated',
  'Connection terminated unexpectedly',
  'Connection terminated due to connection timeout',
  'Client has encountered a connection error and is not queryable',
]);

/** What the coordinator of a distributed database says, with codes of internal errors, when it loses a node within a statement. */
const NODE_LOST =
  /^(failure on connection marked as essential|server closed the connection unexpectedly|failed to COPY to shard|connection not open)/;

/** Kinds that Prisma's driver adapter makes of socket errors; other errors keep the fields of the server's message. */
const ADAPTER_KINDS: ReadonlySet<unknown> = new Set([
  'DatabaseNotReachable',
  'ConnectionClosed',
  'SocketTimeout',
  'TlsConnectionError',
]);

/** SQLSTATE of a statement that statement_timeout or pg_cancel_backend has ended. */
const QUERY_CANCELED = '57014';

function isCancellation(error: Error): boolean {
  const code = error instanceof pg.DatabaseError ? error.code : adapterCause(error)?.originalCode;
  return code === QUERY_CANCELED;
}

/** Whether the error ended or refused a connection. */
export function isConnectionError(error: Error): boolean {
  // Node combines failed attempts at several addresses of one host.
  if (error instanceof AggregateError) return error.errors.some(isConnectionError);
  if (error instanceof pg.DatabaseError)
    return endsConnection(error.severity, error.code) || NODE_LOST.test(error.message);
  const adapted = adapterCause(error);
  if (adapted !== null) {
    const { kind, severity, originalCode } = adapted;
    return ADAPTER_KINDS.has(kind) || endsConnection(severity, originalCode);
  }
  return SOCKET_CODES.has((error as NodeJS.ErrnoException).code) || DRIVER_MESSAGES.has(error.message);
}

function endsConnection(severity: unknown, code: unknown): boolean {
  if (severity === 'FATAL' || severity === 'PANIC') return true;
  return SERVER_CODES.has(code) || (typeof code === 'string' && code.startsWith('08'));
}

/** Prisma makes an error of its own of every error with a code, also of those of the pool. The last line is the message. */
function throwWithoutPrisma(error: Error): void {
  if (!(error instanceof Prisma.PrismaClientKnownRequestError) || !isErrorCode(error.code)) return;
  throw new CommonspaceError(error.code, error.message.split('\n').at(-1) ?? '', [], { cause: error });
}

interface AdapterCause {
  readonly kind?: unknown;
  readonly severity?: unknown;
  readonly originalCode?: unknown;
}

/** What Prisma's driver adapter recorded of the driver's error; null where the error is none of Prisma's. */
function adapterCause(error: Error): AdapterCause | null {
  const { meta } = error as { meta?: { driverAdapterError?: { cause?: AdapterCause } } };
  return meta?.driverAdapterError?.cause ?? null;
}
