import type { Readable } from 'node:stream';
import type { Catalog } from '../../catalog/catalog.js';
import type { ArchivePart, ArchiveSize } from '../../catalog/repositories/archive-reads.js';
import { CommonspaceError, throwIfCancelled, UnreachableCaseError } from '../../domain/errors.js';
import type { MediaStore } from '../../media/media-store.js';
import { outsideRequest } from '../../platform/request-work.js';
import { Spool } from '../../platform/tar/spool.js';
import { type TarMember, tarOf } from '../../platform/tar/tar-writer.js';
import {
  encodeHeader,
  encodeLines,
  encodeVectors,
  HEADER,
  MISSING,
  pictureIn,
  pictureMember,
} from './archive-format.js';
import { pictureBytes } from './picture-bytes.js';
import { PictureHashes } from './picture-hashes.js';

export interface ExportOptions {
  readonly signal?: AbortSignal | undefined;
  /** Pictures and members with rows, of all. */
  readonly onProgress?: (done: number, all: number) => void;
}

/**
 * Writes the catalogue as an archive. The rows are those of one moment: they are written to a file of the disk in one transaction, and read from there,
 * so that a slow reader keeps no transaction open. Until the end no picture is removed, so all bytes that the rows name are there.
 */
export class ArchiveExport {
  private running = false;

  constructor(
    private readonly catalog: Pick<Catalog, 'archive' | 'media'>,
    private readonly media: MediaStore,
    /** Where the rows wait. */
    private readonly folder: string,
  ) {}

  /** What an archive has now. */
  size(): Promise<ArchiveSize> {
    return this.catalog.archive.reads.size();
  }

  /**
   * The bytes of the archive, which end with an error if it fails.
   *
   * @throws CommonspaceError BUSY if this process writes another archive
   */
  stream(options: ExportOptions = {}): Readable {
    if (this.running)
      throw new CommonspaceError('BUSY', 'An archive is being written already. Try again later.');
    this.running = true;
    const members = outsideRequest(() => this.members(options));
    return tarOf(members, (name) => pictureIn(name) === null).once('close', () => {
      this.running = false;
    });
  }

  private async *members({ signal, onProgress = () => {} }: ExportOptions): AsyncGenerator<TarMember> {
    const release = await this.catalog.media.keepAll();
    const spool = await Spool.open(this.folder);
    try {
      const rows = new Rows(spool);
      await this.catalog.archive.reads.read(async (part) => {
        throwIfCancelled(signal);
        await rows.take(part);
      });
      const all = rows.pictures.size + spool.members;
      yield {
        name: HEADER,
        content: encodeHeader({ ...rows.counts, pictures: rows.pictures.size, members: spool.members }),
      };
      let done = 0;
      const missing: string[] = [];
      for (const sha256 of rows.pictures) {
        throwIfCancelled(signal);
        const content = await pictureBytes(this.media, sha256);
        if (content === null) missing.push(`${sha256}\n`);
        else yield { name: pictureMember(sha256), content };
        done += 1;
        onProgress(done, all);
      }
      yield { name: MISSING, content: Buffer.from(missing.join('')) };
      for await (const member of spool.read()) {
        throwIfCancelled(signal);
        yield member;
        done += 1;
        onProgress(done, all);
      }
    } finally {
      await spool.close();
      await release();
    }
  }
}

/** Spools the rows as members. */
class Rows {
  readonly pictures = new PictureHashes();
  readonly counts = { pictures: 0, classes: 0, items: 0, encoders: 0 };
  private readonly numbers = new Map<string, number>();
  private readonly extractors = new Map<string, number>();

  constructor(private readonly spool: Spool) {}

  async take(part: ArchivePart): Promise<void> {
    switch (part.kind) {
      case 'unrecorded':
        return this.pictures.add(part.hashes);
      case 'pictures':
      case 'classes':
      case 'items':
      case 'encoders':
        return await this.takeLines(part);
      case 'weights':
        return await this.spool.add(`encoders/${part.encoderId}.weights`, part.bytes);
      case 'features':
      case 'class-features':
        return await this.spool.add(
          `${this.next(`${part.kind}/${this.extractor(part.extractor)}`)}.bin`,
          encodeVectors(part.chunk, part.extractor),
        );
      case 'embeddings':
        return await this.spool.add(
          `${this.next(`embeddings/${part.encoderId}/${part.modality.toLowerCase()}`)}.bin`,
          encodeVectors(part.chunk),
        );
      default:
        throw new UnreachableCaseError(part);
    }
  }

  private async takeLines({
    kind,
    lines,
    keys,
  }: ArchivePart & { readonly kind: keyof Rows['counts'] }): Promise<void> {
    this.counts[kind] += lines.length;
    if (kind === 'pictures') this.pictures.add(keys);
    const name = kind === 'encoders' ? `encoders/${keys[0]}.json` : `${this.next(kind)}.jsonl`;
    await this.spool.add(name, encodeLines(lines));
  }

  private next(folder: string): string {
    const number = (this.numbers.get(folder) ?? 0) + 1;
    this.numbers.set(folder, number);
    return `${folder}/${String(number).padStart(6, '0')}`;
  }

  /** An extractor's id may be the path of a model, so a number stands for it. */
  private extractor(id: string): string {
    const number = this.extractors.get(id) ?? this.extractors.size + 1;
    this.extractors.set(id, number);
    return String(number).padStart(3, '0');
  }
}
