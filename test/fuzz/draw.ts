import { createRandom } from '../../src/encoder/math/random.js';

/** Draws of one request. The same seed and number give the same request. */
export class Draw {
  private readonly random;

  /**
   * @param seed of the run
   * @param request number of the request in the run, from 0
   */
  constructor(seed: number, request: number) {
    this.random = createRandom(seed, request);
  }

  /** A whole number, 0 to `below` - 1. */
  int(below: number): number {
    return Math.floor(this.random.uniform() * below);
  }

  chance(probability: number): boolean {
    return this.random.uniform() < probability;
  }

  pick<T>(values: readonly T[]): T {
    if (values.length === 0) throw new Error('nothing to pick from');
    return values[this.int(values.length)] as T;
  }

  /** One of the values, each as often as its weight says. */
  weighted<T>(values: readonly (readonly [weight: number, value: T])[]): T {
    let rest = this.random.uniform() * values.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, value] of values) {
      rest -= weight;
      if (rest < 0) return value;
    }
    return this.pick(values)[1];
  }

  list<T>(length: number, make: (index: number) => T): T[] {
    return Array.from({ length }, (_, index) => make(index));
  }

  bytes(length: number): Buffer {
    return Buffer.from(this.list(length, () => this.int(256)));
  }
}
