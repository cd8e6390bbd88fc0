import type { Caller } from '../domain/access.js';
import { FetchBudget } from '../domain/fetch-budget.js';
import { LIMITS } from '../domain/limits.js';
import type { CallerBudget } from '../services/access/budgets.js';
import type { Services } from '../services/services.js';
import { createLoaders, type Loaders } from './loaders.js';

/** The context of a request. */
export interface GraphqlContext {
  readonly services: Services;
  /** Of this request. Each event of a subscription that reads items has its own, because loaders keep what they have read. */
  loaders: Loaders;
  readonly caller: Caller;
  /** Aborts when the client disconnects, or at the time limit. */
  readonly signal: AbortSignal;
  /** What all fields of the request may fetch from addresses. */
  readonly fetches: FetchBudget;
  /** What the caller may use in a minute. */
  readonly budget: CallerBudget;
}

export function createContext(services: Services, caller: Caller, signal: AbortSignal): GraphqlContext {
  const budget = services.budgets.of(caller);
  const fetches = new FetchBudget(LIMITS.fetchedBytes, budget);
  return { services, loaders: createLoaders(services), caller, signal, fetches, budget };
}
