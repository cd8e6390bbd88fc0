import { createGate } from '../platform/gate.js';

/**
 * Bytes of encoded pictures that the process has in memory at once, whatever they are read for. Further ones wait before
 * their bytes are read. Six of the largest pictures fit, and three are decoded at once.
 */
export const PICTURE_MEMORY_BYTES = 128 * 2 ** 20;

/** Weights are bytes. Bodies of requests are not counted here, but by src/http/body-memory.ts. */
export const pictureMemory = createGate(PICTURE_MEMORY_BYTES);
