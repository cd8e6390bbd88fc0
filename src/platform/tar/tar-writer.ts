import { createHash } from 'node:crypto';
import type { EventEmitter } from 'node:events';
import { Readable } from 'node:stream';
import { pack } from 'tar-stream';
import { summed } from './summed.js';

/** A member of a tar archive. A tar header names the size, so it is known before the content. */
export interface TarMember {
  readonly name: string;
  /** A folder has no content. */
  readonly content: Buffer | { readonly bytes: number; readonly stream: AsyncIterable<Buffer> } | 'folder';
}

/** Name of the last member: the SHA-256 of the members before it, in the format of `sha256sum`. */
export const CHECKSUMS = 'checksums.sha256';

/** Of every member, so that the same members give the same bytes. */
const TIME = new Date(0);

/**
 * A tar archive as a stream of bytes, with the checksums of its members as the last one. Memory holds one member at most; a member whose
 * content is a stream is not held. The members are read only as fast as the stream is.
 *
 * @param isListed whether the checksum of a member stands in the list; false for one whose name is its checksum
 */
export function tarOf(
  members: AsyncIterable<TarMember>,
  isListed: (name: string) => boolean = () => true,
): Readable {
  return Readable.from(bytesOf(withChecksums(members, isListed)), { objectMode: false });
}

async function* bytesOf(members: AsyncIterable<TarMember>): AsyncGenerator<Buffer, void, undefined> {
  const tar = pack();
  const filling = fill(tar, members).catch((error: Error) => void tar.destroy(error));
  try {
    // The package declares no type of its chunks.
    for await (const chunk of tar as AsyncIterable<Buffer>) yield chunk;
  } finally {
    // The reader may have gone. A member that is written then fails, which closes what the members come from.
    tar.destroy();
    await filling;
  }
}

async function fill(tar: ReturnType<typeof pack>, members: AsyncIterable<TarMember>): Promise<void> {
  for await (const { name, content } of members) {
    if (content === 'folder')
      await added((done) => tar.entry({ name, type: 'directory', mtime: TIME }, done));
    else if (Buffer.isBuffer(content)) await added((done) => tar.entry({ name, mtime: TIME }, content, done));
    else await addStream(tar, name, content);
  }
  tar.finalize();
}

async function addStream(
  tar: ReturnType<typeof pack>,
  name: string,
  { bytes, stream }: { readonly bytes: number; readonly stream: AsyncIterable<Buffer> },
): Promise<void> {
  await added((done) => {
    const entry = tar.entry({ name, size: bytes, mtime: TIME }, done);
    const writing = async () => {
      for await (const chunk of stream) {
        if (!entry.write(chunk)) await drained(entry);
        if (entry.destroyed) return;
      }
      entry.end(null);
    };
    writing().catch((error: Error) => entry.destroy(error));
  });
}

/** Waits until a stream takes more, or is closed. */
function drained(stream: Pick<EventEmitter, 'on' | 'off'>): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      stream.off('drain', go);
      stream.off('close', go);
      resolve();
    };
    stream.on('drain', go);
    stream.on('close', go);
  });
}

function added(add: (done: (error?: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => add((error) => (error ? reject(error) : resolve())));
}

async function* withChecksums(
  members: AsyncIterable<TarMember>,
  isListed: (name: string) => boolean,
): AsyncGenerator<TarMember> {
  const lines: string[] = [];
  for await (const member of members) {
    const { name, content } = member;
    if (content === 'folder' || !isListed(name)) {
      yield member;
      continue;
    }
    const sum = createHash('sha256');
    if (Buffer.isBuffer(content)) {
      sum.update(content);
      yield member;
    } else {
      yield { name, content: { bytes: content.bytes, stream: summed(content.stream, sum) } };
    }
    lines.push(`${sum.digest('hex')}  ${name}\n`);
  }
  yield { name: CHECKSUMS, content: Buffer.from(lines.join('')) };
}
