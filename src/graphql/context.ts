import type { Services } from '../services/services.js';
import { createLoaders, type Loaders } from './loaders.js';

/** The context of a request: the services, the loaders of this request, and a signal that aborts when the client disconnects. */
export interface GraphqlContext {
  readonly services: Services;
  readonly loaders: Loaders;
  readonly signal: AbortSignal;
}

export function createContext(services: Services, signal: AbortSignal): GraphqlContext {
  return { services, loaders: createLoaders(services), signal };
}
