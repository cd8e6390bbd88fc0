import { v7 as uuidv7 } from 'uuid';
import { beforeEach, describe, expect, it } from 'vitest';
import { CommonspaceError } from '../../src/domain/errors.js';
import { hammingDistance } from '../../src/domain/perceptual-hash.js';
import { type DuplicateGroup, DuplicateService } from '../../src/services/search/duplicate-service.js';
import { describeOnEachDatabase, emptyCatalog } from '../support/catalog.js';
import { imageWrite, randomOf, textWrite } from '../support/catalog-items.js';

/** 64 random bits. */
function randomHash(random: () => number): bigint {
  const half = () => BigInt(Math.floor(random() * 2 ** 32));
  return BigInt.asIntN(64, (half() << 32n) | half());
}

function flip(hash: bigint, ...bits: number[]): bigint {
  return BigInt.asIntN(
    64,
    bits.reduce((flipped, bit) => flipped ^ (1n << BigInt(bit)), hash),
  );
}

describeOnEachDatabase('near-identical images', (catalog) => {
  beforeEach(() => emptyCatalog(catalog()));

  const DETAIL = Uint8Array.from({ length: 64 }, (_, i) => (i * 37) % 256);
  const hashed = (name: string, hash: bigint | null, detail = DETAIL) =>
    imageWrite(name, {
      image: {
        mediaType: 'image/png',
        width: 8,
        height: 8,
        bytes: 9,
        pictureHash: hash === null ? null : { hash, detail },
      },
    });

  /** Names of the members of all groups, page by page. */
  async function pages(threshold: number | null, first: number): Promise<string[][]> {
    const service = new DuplicateService(catalog());
    const groups: DuplicateGroup[] = [];
    for (let after: string | null = null; ; ) {
      const page = await service.page(threshold, first, after);
      expect(page.groups.length).toBeLessThanOrEqual(first);
      expect(page.hasPreviousPage).toBe(after !== null);
      groups.push(...page.groups.map(({ group }) => group));
      if (!page.hasNextPage) return groups.map(namesOf);
      after = page.endCursor;
    }
  }
  const namesOf = (group: DuplicateGroup) => group.members.map(({ item }) => item.externalId ?? '');
  const named = (name: string, hash: bigint | null, detail = DETAIL) => ({
    ...hashed(name, hash, detail),
    externalId: name,
  });

  it('that are copies are found whatever bits differ, and nothing else', async () => {
    const random = randomOf(3);
    const originals = Array.from({ length: 40 }, () => randomHash(random));
    const bit = () => Math.floor(random() * 64);
    const writes = originals.flatMap((hash, i) => [
      named(`${i}`, hash),
      // At a distance of 1 to 3, and of 4 to 6.
      named(`${i} near`, flip(hash, ...new Set([bit(), bit(), bit()]))),
      named(`${i} far`, flip(hash, ...[0, 11, 22, 33, 44, 55].slice(i % 3))),
    ]);
    await catalog().items.upsertMany([...writes, named('unhashed', null), textWrite('a text')]);
    const expected = originals.map((_, i) => [`${i}`, `${i} near`]);
    for (const first of [1, 7, 50]) expect(await pages(null, first)).toEqual(expected);
  });

  it('are connected through others, and say by how many bits they differ from the first', async () => {
    const hash = randomHash(randomOf(5));
    const chain = [
      hash,
      flip(hash, 1, 2, 3),
      flip(hash, 1, 2, 3, 20, 21, 22),
      flip(hash, 1, 2, 3, 20, 21, 22, 40),
    ];
    await catalog().items.upsertMany(chain.map((one, i) => named(`${i}`, one)).toReversed());
    const { groups } = await new DuplicateService(catalog()).page(null, 20, null);
    expect(groups.map(({ group }) => group)).toMatchObject([
      { kind: 'COPY', complete: true, members: [{}, {}, {}, {}] },
    ]);
    const [found] = groups.map(({ group }) => group);
    const first = chain[Number(found?.members[0]?.item.externalId)] ?? 0n;
    for (const { item, distance, kind, similarity } of found?.members ?? []) {
      expect([kind, similarity]).toEqual(['COPY', null]);
      expect(distance).toBe(hammingDistance(first, chain[Number(item.externalId)] ?? 0n));
    }
  });

  it('are no copies if their details differ, even with one hash', async () => {
    const other = DETAIL.toReversed();
    const details = [DETAIL, other, DETAIL.map((value) => 0.9 * value + 5), other];
    await catalog().items.upsertMany(details.map((detail, i) => named(`${i}`, 5n, detail)));
    expect(await pages(null, 20)).toEqual([
      ['0', '2'],
      ['1', '3'],
    ]);
  });

  it('are at most 100 in a group, which then is not complete and is listed once', async () => {
    await catalog().items.upsertMany(Array.from({ length: 150 }, (_, i) => named(`${i}`, 7n)));
    const { groups, hasNextPage } = await new DuplicateService(catalog()).page(null, 20, null);
    expect([groups.length, hasNextPage]).toEqual([1, false]);
    expect(groups[0]?.group).toMatchObject({ kind: 'COPY', complete: false });
    expect(groups[0]?.group.members).toHaveLength(100);
  });

  it('are listed in pages that hold when groups are added and deleted', async () => {
    const random = randomOf(8);
    const group = (name: string) => {
      const hash = randomHash(random);
      return [named(`${name} a`, hash), named(`${name} b`, hash)];
    };
    const writes = ['0', '1', '2', '3'].flatMap(group);
    await catalog().items.upsertMany(writes);
    const service = new DuplicateService(catalog());
    const first = await service.page(null, 2, null);
    await catalog().items.upsertMany(group('4'));
    await catalog().items.delete([writes[0]?.id ?? '', writes[4]?.id ?? '']);
    const second = await service.page(null, 2, first.endCursor);
    expect([...first.groups, ...second.groups].map(({ group: found }) => namesOf(found)[0])).toEqual([
      '0 a',
      '1 a',
      '3 a',
      '4 a',
    ]);
  });

  describe('by similarity', () => {
    const encoderId = uuidv7();
    beforeEach(async () => {
      await catalog().encoders.create(
        { id: encoderId, dimension: 2, imageExtractor: 'i@1', textExtractor: 't@1', config: {}, report: {} },
        new Uint8Array([1]),
      );
      await catalog().encoders.activate(encoderId);
    });

    /** An image at an angle in the common space. */
    const at = (name: string, degrees: number, hash: bigint | null) => {
      const angle = (degrees * Math.PI) / 180;
      const vector = Float32Array.of(Math.cos(angle), Math.sin(angle));
      return {
        ...named(name, hash),
        features: new Map([['i@1', vector]]),
        embeddings: new Map([[encoderId, vector]]),
      };
    };

    it('are told apart from copies', async () => {
      const random = randomOf(4);
      const hash = randomHash(random);
      await catalog().items.upsertMany([
        at('a', 0, hash),
        at('b', 90, randomHash(random)),
        at('a copy', 40, flip(hash, 9)),
        at('a similar', 5, randomHash(random)),
        at('b similar', 95, null),
        at('alone', 180, randomHash(random)),
      ]);
      const threshold = Math.cos((10 * Math.PI) / 180);
      for (const first of [1, 20]) {
        expect(await pages(threshold, first)).toEqual([
          ['a', 'a copy', 'a similar'],
          ['b', 'b similar'],
        ]);
      }
      expect(await pages(null, 20)).toEqual([['a', 'a copy']]);
      const { groups } = await new DuplicateService(catalog()).page(threshold, 20, null);
      expect(groups.map(({ group }) => group.kind)).toEqual(['SIMILAR', 'SIMILAR']);
      const [a, b] = groups.map(({ group }) => group.members);
      expect(a?.map(({ kind }) => kind)).toEqual(['COPY', 'COPY', 'SIMILAR']);
      expect(a?.map(({ similarity }) => similarity && Math.round(similarity * 1e4) / 1e4)).toEqual([
        0.9962,
        null,
        0.9962,
      ]);
      expect(b?.map(({ distance }) => distance)).toEqual([0, null]);
    });

    it('are compared with 20 neighbours, and a group with more is not complete', async () => {
      await catalog().items.upsertMany(Array.from({ length: 25 }, (_, i) => at(`${i}`, i / 100, null)));
      const { groups } = await new DuplicateService(catalog()).page(0.99, 20, null);
      expect(groups.map(({ group }) => [group.members.length, group.complete])).toEqual([[25, false]]);
    });
  });

  it.each<[number | null, number, string | null, string, string[]]>([
    [0.4, 20, null, 'BAD_INPUT', ['threshold']],
    [1.1, 20, null, 'BAD_INPUT', ['threshold']],
    [Number.NaN, 20, null, 'BAD_INPUT', ['threshold']],
    [0.9, 20, null, 'NO_ENCODER', []],
    [null, 51, null, 'BAD_INPUT', ['first']],
    [null, 20, 'nonsense', 'BAD_CURSOR', ['after']],
  ])('refuse threshold %s, first %s, after %s', async (threshold, first, after, code, field) => {
    const error = await new DuplicateService(catalog())
      .page(threshold, first, after)
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CommonspaceError);
    expect(error).toMatchObject({ code, field });
  });
});
