import type { Services } from '../services/services.js';
import { createLoaders, type Loaders } from './loaders.js';

/** What a resolver gets: the services, this request's loaders, and a signal that aborts when the caller goes away. */
export interface GraphqlContext {
  readonly services: Services;
  readonly loaders: Loaders;
  readonly signal: AbortSignal;
}

export function createContext(services: Services, signal: AbortSignal): GraphqlContext {
  return { services, loaders: createLoaders(services), signal };
}
