import { setFlagsFromString } from 'node:v8';

/**
 * Budget after which V8 optimises a WebAssembly function: eleven times the default of Node 20 (1.8 million; 13 million in
 * Node 22 and 24). Functions that run for seconds still reach it; functions that run once do not.
 */
export const WASM_TIERING = '--wasm-tiering-budget=20000000';

/**
 * Delays the optimising compilation of WebAssembly. For the embedded database, that compilation takes a second of processor
 * time, which a short command does not regain (`classes` on Node 20: 1.75 s and 2.3 s of processor time become 1.4 s and
 * 1.5 s). Call it before a module is instantiated.
 */
export function delayWasmOptimisation(): void {
  setFlagsFromString(WASM_TIERING);
}
