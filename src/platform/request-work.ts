import { AsyncLocalStorage } from 'node:async_hooks';
import { setMaxListeners } from 'node:events';
import { throwIfCancelled } from '../domain/errors.js';

/** The request that the running code answers. */
export interface RequestWork {
  /** Aborts when the caller no longer waits for the answer, and then cancels running statements. Null: nothing is cancelled. */
  signal: AbortSignal | null;
  /** The id of the request in the log; null without one. */
  readonly id: string | null;
  /** The same object for all work of the request, and of no other: what a layer above knows of the request is kept by it. */
  readonly token: object;
  /** Set where replicas of the database may answer; null: the primary does. */
  reads: ReplicaReads | null;
}

/** What a request that only reads needs of the replica that answers it. */
export interface ReplicaReads {
  /** The replica must have replayed the log of the primary up to here. */
  readonly after: bigint;
  /** Whether the primary answers from now on: no replica is fit, or one failed, or the request writes after all. */
  usesPrimary: boolean;
}

/**
 * It follows the code through all awaits, so that no function between the request and the database passes it on. Work that no
 * request waits for (trainings, upkeep, commands) runs without one, and its statements have no time limit.
 */
const storage = new AsyncLocalStorage<RequestWork | null>();

/** Null: no request waits for the running code. */
export function currentRequest(): RequestWork | null {
  return storage.getStore() ?? null;
}

/** Runs work that answers a request: its statements have the time limits of requests. */
export function inRequest<T>(
  work: () => T,
  { id = null, token = {}, reads = null }: Partial<Omit<RequestWork, 'signal'>> = {},
): T {
  return storage.run({ signal: null, id, token, reads }, work);
}

/** Lets a replica answer what the current request reads from now on, if it has replayed the log of the primary up to a position. */
export function readFromReplicas(after: bigint): void {
  const request = currentRequest();
  if (request !== null) request.reads = { after, usesPrimary: false };
}

/** Lets the signal cancel the statements of the current request from now on. Only for reads: a write is completed. */
export function cancelStatementsOn(signal: AbortSignal): void {
  const request = currentRequest();
  if (request === null) return;
  // A request may run many statements at a time, each with a listener.
  setMaxListeners(0, signal);
  request.signal = signal;
}

/** Runs work that goes on after the answer, or that takes longer than a request may. */
export function outsideRequest<T>(work: () => T): T {
  return storage.run(null, work);
}

/** Runs work whose result other requests share: the end of this one does not cancel it. */
export function sharedByRequests<T>(work: () => T): T {
  const request = currentRequest();
  return request === null ? work() : inRequest(work, request);
}

/** @throws CommonspaceError CANCELLED if the caller of the current request no longer waits. */
export function throwIfRequestCancelled(): void {
  throwIfCancelled(currentRequest()?.signal ?? undefined);
}
