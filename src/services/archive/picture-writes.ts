import type { MediaStore } from '../../media/media-store.js';

/** Pictures that are written at a time: each write waits for the disk. They are in memory, with at most 20 MB each. */
const AT_ONCE = 6;

/** Stores the bytes of pictures, several at a time. */
export class PictureWrites {
  /** How many were not there before. */
  stored = 0;
  private readonly pending = new Set<Promise<void>>();
  private failure: { readonly error: unknown } | null = null;

  constructor(private readonly media: MediaStore) {}

  /** Waits until the writing of the picture has begun. @throws the error of any earlier picture */
  async add(sha256: string, bytes: Buffer): Promise<void> {
    if (this.pending.size >= AT_ONCE) await Promise.race(this.pending);
    this.throwFailure();
    const writing: Promise<void> = this.write(sha256, bytes).finally(() => this.pending.delete(writing));
    this.pending.add(writing);
  }

  /** Waits until all are stored. @throws the error of any picture */
  async settled(): Promise<void> {
    await Promise.all(this.pending);
    this.throwFailure();
  }

  private async write(sha256: string, bytes: Buffer): Promise<void> {
    try {
      if (await this.media.restore(sha256, bytes)) this.stored += 1;
    } catch (error) {
      this.failure ??= { error };
    }
  }

  private throwFailure(): void {
    if (this.failure !== null) throw this.failure.error;
  }
}
