import { setFlagsFromString } from 'node:v8';

/**
 * Eleven times what Node 20 has (1.8 million; Node 22 and 24 have 13): what runs for seconds still gets there, what runs
 * once does not.
 */
export const WASM_TIERING = '--wasm-tiering-budget=20000000';

/**
 * Lets WebAssembly run for longer before its hot functions are compiled anew by the optimising compiler. The embedded
 * database alone keeps that compiler busy for a second of processor time, which a command that runs for two seconds never
 * gets back (`classes` on Node 20: 1.75 s and 2.3 s of processor time become 1.4 and 1.5). Call before any module is made.
 */
export function compileOnlyWhatIsHot(): void {
  setFlagsFromString(WASM_TIERING);
}
