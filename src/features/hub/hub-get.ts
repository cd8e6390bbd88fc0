import { lookup } from 'node:dns/promises';
import type { Dispatcher } from 'undici';
import { throwIfCancelled } from '../../domain/errors.js';
import { parseNetworks } from '../../platform/address-guard.js';
import { guardedRequest } from '../../platform/guarded-request.js';
import { unavailable } from './hub-listing.js';
import type { HubOptions } from './hub-options.js';

/** Time without a byte after which a request is given up. A whole download has no time limit, because models are large. */
const IDLE_MS = 30_000;
const MAX_REDIRECTS = 5;

/** Must be called for each chunk that arrives. */
export type KeepAlive = () => void;

/**
 * A GET of the hub. The hub itself may have any address, because the configuration names it; where it redirects to, as for
 * large files, must be in the public internet or in an allowed network.
 *
 * @throws CommonspaceError as `guardedRequest` does; MODEL_UNAVAILABLE if no byte arrives for half a minute; CANCELLED
 */
export async function hubGet<T>(
  { endpoint, allowNetworks = [], signal: stopping }: HubOptions,
  path: string,
  headers: Readonly<Record<string, string>>,
  read: (response: Dispatcher.ResponseData, alive: KeepAlive) => Promise<T>,
): Promise<T> {
  throwIfCancelled(stopping);
  const controller = new AbortController();
  const stop = () => controller.abort(unavailable(`no answer within ${IDLE_MS / 1000} s`));
  let timer = setTimeout(stop, IDLE_MS);
  const alive = () => {
    clearTimeout(timer);
    timer = setTimeout(stop, IDLE_MS);
  };
  try {
    return await guardedRequest(
      `${endpoint.replace(/\/+$/, '')}${path}`,
      {
        networks: parseNetworks(allowNetworks),
        trustedHosts: [new URL(endpoint).host],
        maxRedirects: MAX_REDIRECTS,
        resolve: async (hostname) => (await lookup(hostname, { all: true })).map(({ address }) => address),
        headers,
        signal: stopping === undefined ? controller.signal : AbortSignal.any([controller.signal, stopping]),
      },
      (response) => {
        alive();
        return read(response, alive);
      },
    );
  } catch (error) {
    throwIfCancelled(stopping);
    if (controller.signal.aborted) throw controller.signal.reason;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
