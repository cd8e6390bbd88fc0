/**
 * A random generator: xoshiro128** (Blackman and Vigna, 2018), seeded by splitmix32. The same seed gives the same numbers on
 * every machine, and the state can be stored in a checkpoint.
 */
export interface Random {
  /** Uniform over 0 … 2³² − 1. */
  uint32(): number;
  /** Uniform over [0, 1), 32 bits. */
  uniform(): number;
  /** Standard normal. */
  normal(): number;
  /** Four 32-bit words, for `randomFromState`. */
  state(): readonly number[];
}

/** A generator for a seed. Different streams of one seed are independent. */
export function createRandom(seed: number, stream = 0): Random {
  let x = (Math.imul(seed | 0, 0x9e3779b1) ^ Math.imul(stream + 1, 0x85ebca6b)) >>> 0;
  const splitmix = () => {
    x = (x + 0x9e3779b9) >>> 0;
    let z = x;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  return randomFromState([splitmix(), splitmix(), splitmix(), splitmix()]);
}

/** A generator that continues the sequence of the generator whose `state()` is given. */
export function randomFromState(state: readonly number[]): Random {
  let [a = 0, b = 0, c = 0, d = 0] = state;
  const rotl = (x: number, k: number) => (x << k) | (x >>> (32 - k));
  const uint32 = () => {
    const result = Math.imul(rotl(Math.imul(b, 5), 7), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = rotl(d, 11);
    return result;
  };
  const uniform = () => uint32() / 2 ** 32;
  return {
    uint32,
    uniform,
    // Box–Muller. The second (sine) value is discarded, so that `state()` is the complete state.
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    state: () => [a >>> 0, b >>> 0, c >>> 0, d >>> 0],
  };
}

/** Shuffles in place (Fisher–Yates) and returns `values`. */
export function shuffle(values: Int32Array, random: Random): Int32Array {
  for (let i = values.length - 1; i > 0; i -= 1) {
    const j = random.uint32() % (i + 1);
    const kept = values[i] as number;
    values[i] = values[j] as number;
    values[j] = kept;
  }
  return values;
}

/** At most `most` of the row indices, in ascending order. */
export function sampleRows(rows: Int32Array, most: number, random: Random): Int32Array {
  return rows.length <= most ? rows : shuffle(rows.slice(), random).slice(0, most).sort();
}

/** A mask for inverted dropout, [length]: 0 with probability `rate`, else 1 / (1 − rate). */
export function dropoutMask(length: number, rate: number, random: Random): Float32Array {
  const mask = new Float32Array(length);
  const threshold = rate * 2 ** 32;
  const kept = 1 / (1 - rate);
  for (let i = 0; i < length; i += 1) mask[i] = random.uint32() < threshold ? 0 : kept;
  return mask;
}

/** Normally distributed numbers, [length], with mean 0 and this standard deviation. */
export function normals(length: number, deviation: number, random: Random): Float32Array {
  const values = new Float32Array(length);
  for (let i = 0; i < length; i += 1) values[i] = deviation * random.normal();
  return values;
}
