import type { Catalog } from '../../catalog/catalog.js';
import type { HashedImage } from '../../catalog/repositories/picture-hashes.js';
import { DisjointSets } from '../../domain/disjoint-sets.js';
import { hammingDistance } from '../../domain/perceptual-hash.js';
import { areCopies } from '../../domain/picture-hash.js';

/** Images of one group that are found and shown; a group with more is not complete. */
const GROUP_MEMBERS = 100;
/** Images with near hashes that an image is compared with. */
const CANDIDATES = 200;
/** Nearest neighbours of an image that are compared with the threshold. */
const NEIGHBOURS = 20;

/** By which embeddings images are similar. */
export interface Similarity {
  readonly encoderId: string;
  readonly threshold: number;
}

export interface FoundMember {
  readonly id: string;
  readonly kind: 'COPY' | 'SIMILAR';
  /** From the first member. */
  readonly distance: number | null;
  readonly similarity: number | null;
}

export interface FoundGroup {
  readonly kind: 'COPY' | 'SIMILAR';
  /** By ascending id. */
  readonly members: readonly FoundMember[];
  readonly complete: boolean;
}

/** The images that are connected with some given ones, by copies and by similarity. */
export class DuplicateGraph {
  private readonly images = new Map<string, HashedImage>();
  private readonly groups = new DisjointSets();
  private readonly copies = new DisjointSets();
  private readonly similarities = new Map<string, number>();
  /** Images with more near ones than are compared. */
  private readonly crowded = new Set<string>();
  /** The images near each hash that was looked up. */
  private readonly nearHash = new Map<bigint, HashedImage[]>();

  constructor(
    private readonly catalog: Catalog,
    private readonly similarity: Similarity | null,
  ) {}

  /** Adds images and all that are connected with them, up to the size limit of a group. */
  async add(images: readonly HashedImage[]): Promise<void> {
    let frontier = this.addNew(images);
    while (frontier.length > 0) {
      const found = [...(await this.addCopies(frontier)), ...(await this.addSimilar(frontier))];
      frontier = this.addNew(found).filter(({ id }) => this.groups.sizeOf(id) < GROUP_MEMBERS);
    }
  }

  /** The groups of two or more whose smallest id is one of these, in their order. */
  groupsOf(ids: readonly string[]): FoundGroup[] {
    const members = new Map<string, string[]>(ids.map((id) => [id, []]));
    for (const id of this.images.keys()) members.get(this.groups.rootOf(id))?.push(id);
    return ids.flatMap((id) => {
      const group = members.get(id) ?? [];
      return group.length < 2 ? [] : [this.describe(group.sort())];
    });
  }

  /** The group that an image is in; none if it is alone. */
  groupWith(id: string): FoundGroup[] {
    return this.groupsOf([this.groups.rootOf(id)]);
  }

  private describe(ids: readonly string[]): FoundGroup {
    const [first = ''] = ids;
    const members = ids.slice(0, GROUP_MEMBERS).map((id): FoundMember => {
      const copy = this.copies.rootOf(id) === this.copies.rootOf(first);
      return {
        id,
        kind: copy ? 'COPY' : 'SIMILAR',
        distance: this.distance(first, id),
        similarity: this.similarities.get(id) ?? null,
      };
    });
    const kind = members.every((member) => member.kind === 'COPY') ? 'COPY' : 'SIMILAR';
    const complete = ids.length < GROUP_MEMBERS && !ids.some((id) => this.crowded.has(id));
    return { kind, members, complete };
  }

  private distance(a: string, b: string): number | null {
    const [one, other] = [this.images.get(a)?.picture, this.images.get(b)?.picture];
    return one == null || other == null ? null : hammingDistance(one.hash, other.hash);
  }

  private addNew(images: readonly HashedImage[]): HashedImage[] {
    const added = images.filter(({ id }) => !this.images.has(id));
    for (const image of added) this.images.set(image.id, image);
    return [...new Map(added.map((image) => [image.id, image])).values()];
  }

  private async addCopies(frontier: readonly HashedImage[]): Promise<HashedImage[]> {
    await this.lookUp(frontier.flatMap(({ picture }) => (picture === null ? [] : [picture.hash])));
    const found: HashedImage[] = [];
    for (const { id, picture } of frontier) {
      if (picture === null) continue;
      const candidates = this.nearHash.get(picture.hash) ?? [];
      if (candidates.length === CANDIDATES) this.crowded.add(id);
      for (const candidate of candidates) {
        if (candidate.picture === null || !areCopies(picture, candidate.picture)) continue;
        this.copies.join(id, candidate.id);
        this.groups.join(id, candidate.id);
        found.push(candidate);
      }
    }
    return found;
  }

  private async lookUp(hashes: readonly bigint[]): Promise<void> {
    const unknown = [...new Set(hashes)].filter((hash) => !this.nearHash.has(hash));
    if (unknown.length === 0) return;
    for (const hash of unknown) this.nearHash.set(hash, []);
    for (const { of, ...image } of await this.catalog.hashes.near(unknown, CANDIDATES)) {
      this.nearHash.get(of)?.push(image);
    }
  }

  private async addSimilar(frontier: readonly HashedImage[]): Promise<HashedImage[]> {
    if (this.similarity === null) return [];
    const { encoderId, threshold } = this.similarity;
    const ids = frontier.map(({ id }) => id);
    const near = await this.catalog.nearImages.of(encoderId, ids, { threshold, limit: NEIGHBOURS });
    const counts = new Map<string, number>();
    for (const { of, id, similarity } of near) {
      counts.set(of, (counts.get(of) ?? 0) + 1);
      this.groups.join(of, id);
      for (const end of [of, id]) {
        this.similarities.set(end, Math.max(similarity, this.similarities.get(end) ?? -1));
      }
    }
    for (const [id, count] of counts) if (count === NEIGHBOURS) this.crowded.add(id);
    return near;
  }
}
