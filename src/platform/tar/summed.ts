import type { Hash } from 'node:crypto';

/** The chunks of a stream, which are added to a checksum on the way. */
export async function* summed(stream: AsyncIterable<Buffer>, sum: Hash): AsyncGenerator<Buffer> {
  for await (const chunk of stream) {
    sum.update(chunk);
    yield chunk;
  }
}
