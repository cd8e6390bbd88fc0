/** Bytes of a hash. */
const WIDTH = 32;
const FIRST_CAPACITY = 1024;

/** A list of SHA-256 in 32 bytes each: 32 MB for a million pictures. */
export class PictureHashes {
  private bytes = Buffer.allocUnsafe(FIRST_CAPACITY * WIDTH);
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** @param hashes in hex */
  add(hashes: readonly string[]): void {
    const needed = (this.count + hashes.length) * WIDTH;
    if (needed > this.bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.bytes.length));
      this.bytes.copy(larger, 0, 0, this.count * WIDTH);
      this.bytes = larger;
    }
    for (const hash of hashes) {
      this.bytes.write(hash, this.count * WIDTH, WIDTH, 'hex');
      this.count += 1;
    }
  }

  /** In hex. */
  *[Symbol.iterator](): Generator<string> {
    for (let i = 0; i < this.count; i += 1) yield this.bytes.toString('hex', i * WIDTH, (i + 1) * WIDTH);
  }
}
