import type { Catalog } from '../../catalog/catalog.js';
import type { VectorChunk } from '../../catalog/types.js';
import type { EncoderState } from '../../domain/encoder-status.js';
import { UnreachableCaseError } from '../../domain/errors.js';
import { badArchive, contentOf, type TarEntry } from '../../platform/tar/tar-reader.js';
import { type ArchiveEntry, linesOf, rowsOf } from './archive-check.js';
import { decodeVectors, type LineMember, MAX_BYTES, type VectorMember } from './archive-format.js';
import type { PictureWrites } from './picture-writes.js';

/** Stores the members of an archive, one after another. */
export class ArchiveRows {
  /** What was not there before. */
  readonly added = { classes: 0, items: 0, encoders: 0, vectors: 0 };
  /** The encoders of the archive, with their states. */
  readonly encoders = new Map<string, EncoderState>();
  /** Items and classes that exist with another content or name: vectors of the archive are not theirs. */
  private readonly differing = new Set<string>();

  constructor(
    private readonly archive: Catalog['archive'],
    private readonly pictures: PictureWrites,
  ) {}

  /**
   * @param again the member was stored before: its items and classes that are gone were deleted since, and stay so
   * @throws CommonspaceError BAD_ARCHIVE
   */
  async store({ entry, member }: ArchiveEntry, again: boolean): Promise<void> {
    switch (member.kind) {
      case 'header':
      case 'missing':
        return;
      case 'picture':
        return await this.pictures.add(member.sha256, await contentOf(entry, MAX_BYTES.picture));
      case 'pictures':
      case 'classes':
      case 'items':
      case 'encoders':
        return await rowsOf(entry.name, this.storeLines(entry, member.kind, again));
      case 'weights': {
        const weights = await contentOf(entry, MAX_BYTES.weights);
        return await rowsOf(entry.name, this.archive.writes.addWeights(member.encoderId, weights));
      }
      case 'features':
      case 'class-features':
      case 'embeddings':
        return await rowsOf(entry.name, this.storeVectors(entry, member));
      default:
        throw new UnreachableCaseError(member);
    }
  }

  private async storeLines(entry: TarEntry, kind: LineMember, again: boolean): Promise<void> {
    const { writes } = this.archive;
    const lines = await linesOf(entry, { kind });
    if (kind === 'pictures') {
      // A record says that the bytes are there.
      await this.pictures.settled();
      await writes.addPictures(lines);
      return;
    }
    if (kind === 'encoders') {
      for (const line of lines) {
        const { id, state, added } = await writes.addEncoder(line);
        this.encoders.set(id, state);
        if (added) this.added.encoders += 1;
      }
      return;
    }
    if (again) {
      for (const id of await writes.differing(kind, lines)) this.differing.add(id);
      return;
    }
    const { added, differing } = await (kind === 'items' ? writes.addItems(lines) : writes.addClasses(lines));
    this.added[kind] += added;
    for (const id of differing) this.differing.add(id);
  }

  private async storeVectors(entry: TarEntry, member: VectorMember): Promise<void> {
    const { vectors } = this.archive;
    const { extractor, ...chunk } = decodeVectors(await contentOf(entry, MAX_BYTES[member.kind]), entry.name);
    const own = this.withoutDiffering(chunk);
    if (member.kind === 'embeddings') {
      if (!this.encoders.has(member.encoderId))
        throw badArchive(`${entry.name} is of no encoder that it has`, entry.name);
      this.added.vectors += await vectors.addEmbeddings(member.encoderId, member.modality, own);
      return;
    }
    if (extractor === null) throw badArchive(`${entry.name} names no extractor`, entry.name);
    this.added.vectors += await (member.kind === 'features'
      ? vectors.addFeatures(extractor, own)
      : vectors.addClassFeatures(extractor, own));
  }

  private withoutDiffering({ ids, matrix }: VectorChunk): VectorChunk {
    const rows = ids.flatMap((id, row) => (this.differing.has(id) ? [] : [row]));
    if (rows.length === ids.length) return { ids, matrix };
    const data = new Float32Array(rows.length * matrix.columns);
    for (const [to, from] of rows.entries())
      data.set(matrix.data.subarray(from * matrix.columns, (from + 1) * matrix.columns), to * matrix.columns);
    return {
      ids: rows.map((row) => ids[row] as string),
      matrix: { data, rows: rows.length, columns: matrix.columns },
    };
  }
}
