import type { Caller } from '../domain/access.js';
import { FetchBudget } from '../domain/fetch-budget.js';
import type { Services } from '../services/services.js';
import { createLoaders, type Loaders } from './loaders.js';

/** The context of a request. */
export interface GraphqlContext {
  readonly services: Services;
  /** Of this request. */
  readonly loaders: Loaders;
  readonly caller: Caller;
  /** Aborts when the client disconnects, or at the time limit. */
  readonly signal: AbortSignal;
  /** What all fields of the request may fetch from addresses. */
  readonly fetches: FetchBudget;
}

export function createContext(services: Services, caller: Caller, signal: AbortSignal): GraphqlContext {
  return { services, loaders: createLoaders(services), caller, signal, fetches: new FetchBudget() };
}
