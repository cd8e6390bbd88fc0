import { Piscina } from 'piscina';
import type { ImageTask } from '../../src/features/extractor-tasks.js';
import type { OpenImageExtractor } from '../../src/features/types.js';
import { workerEntry } from '../../src/platform/worker-entry.js';

/** One thread of extractors, as the pool starts them. */
export class ExtractorThread {
  private readonly thread = new Piscina({
    filename: workerEntry(
      new URL('../../src/features/extractor.worker.ts', import.meta.url).href,
      'extractor.worker',
    ),
    maxThreads: 1,
  });

  /** Extracts a picture in the thread, while these extractors are open. @returns the reply */
  async extract(
    { id, name, input: { width, height } }: OpenImageExtractor,
    open: readonly OpenImageExtractor[],
  ): Promise<{ readonly value?: unknown; readonly failure?: { readonly code: string } }> {
    const images = [{ data: new Uint8Array(width * height * 3).fill(90), width, height }];
    const task: ImageTask = { id, name, images, open: open.map((each) => each.id) };
    return await this.thread.run(task, { name: 'extractImages' });
  }

  /** Graphs that the thread has loaded and not released. */
  async graphs(): Promise<number> {
    return (await this.thread.run(undefined, { name: 'graphCount' })).value;
  }

  async close(): Promise<void> {
    await this.thread.destroy();
  }
}
