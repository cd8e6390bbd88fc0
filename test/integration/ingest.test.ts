import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { IdentityConflict } from '../../src/catalog/repositories/item-identities.js';
import { CommonspaceError } from '../../src/domain/errors.js';
import { FetchBudget } from '../../src/domain/fetch-budget.js';
import { LIMITS } from '../../src/domain/limits.js';
import type { IngestOutcome } from '../../src/services/ingest/ingest-outcome.js';
import { drawShape } from '../factories/shapes.js';
import { openTestApp, type TestApp } from '../support/app.js';
import { describeOnEachKind } from '../support/catalog.js';

const itemOf = (outcome: IngestOutcome | undefined) => {
  if (outcome === undefined || outcome.status === 'FAILED') throw new Error(JSON.stringify(outcome));
  return outcome.item;
};
const failureOf = (outcome: IngestOutcome | undefined) => {
  if (outcome?.status !== 'FAILED') throw new Error(JSON.stringify(outcome));
  return outcome.error;
};

describeOnEachKind('ingest', (kind) => {
  let app: TestApp;
  let red: Buffer;
  beforeAll(async () => {
    app = await openTestApp(kind);
    red = await drawShape('circle', 'red');
  });
  afterAll(async () => {
    expect(app.unexpected).toEqual([]);
    await app.close();
  });

  it('stores an image and a text as a pair, with classes, title and metadata', async () => {
    const [picture, text] = await app.ingest.ingest([
      {
        content: { bytes: red },
        externalId: 'p1',
        title: 'Red',
        classes: ['round', 'warm'],
        pairKey: 'p',
        metadata: { a: 1 },
      },
      { content: { text: 'a red circle' }, externalId: 't1', pairKey: 'p', metadata: { language: 'en' } },
    ]);
    expect([picture?.status, text?.status]).toEqual(['CREATED', 'CREATED']);
    const image = itemOf(picture);
    expect(image).toMatchObject({
      modality: 'IMAGE',
      title: 'Red',
      mediaType: 'image/png',
      width: 64,
      height: 64,
    });
    expect(itemOf(text)).toMatchObject({ modality: 'TEXT', text: 'a red circle', language: 'en' });
    const classes = await app.items.classesOf([image.id]);
    expect(classes.get(image.id)?.map(({ name }) => name)).toEqual(['round', 'warm']);
    const [counterparts] = await app.items.counterparts([{ itemId: image.id, afterId: null, limit: 9 }]);
    expect(counterparts?.map(({ externalId }) => externalId)).toEqual(['t1']);
    expect(await app.store.image(image.contentHash).read()).toEqual(red);
    expect(await app.catalog.vectors.itemFeature(image.id, app.features.image.id)).toHaveLength(
      app.features.image.dimension,
    );
  });

  it('is idempotent by external id: the same input changes nothing, new content updates the item', async () => {
    const input = {
      content: { text: 'first' },
      externalId: 'same',
      classes: ['b', 'a'],
      metadata: { z: 1, y: { x: 2 } },
    };
    const [created] = await app.ingest.ingest([input]);
    const [again] = await app.ingest.ingest([
      { ...input, classes: ['a', 'b'], metadata: { y: { x: 2 }, z: 1 } },
    ]);
    const [updated] = await app.ingest.ingest([{ ...input, content: { text: 'second' } }]);
    expect([created, again, updated].map((outcome) => outcome?.status)).toEqual([
      'CREATED',
      'UNCHANGED',
      'UPDATED',
    ]);
    expect(itemOf(updated)).toMatchObject({ id: itemOf(created).id, text: 'second' });
    const feature = await app.catalog.vectors.itemFeature(itemOf(created).id, app.features.text.id);
    const [expected] = await app.features.text.extract(['second']);
    expect(feature?.[0]).toBeCloseTo(expected?.[0] ?? Number.NaN, 5);
  });

  it('keeps the values of fields that an update leaves out', async () => {
    const key = { externalId: 'kept' };
    await app.ingest.ingest([
      { ...key, content: { text: 'x' }, title: 'T', classes: ['c'], metadata: { m: 1 }, pairKey: 'kept' },
    ]);
    const [updated] = await app.ingest.ingest([{ ...key, content: { text: 'y' } }]);
    const item = itemOf(updated);
    expect(item).toMatchObject({ title: 'T', metadata: { m: 1 } });
    expect((await app.items.classesOf([item.id])).get(item.id)?.map(({ name }) => name)).toEqual(['c']);
    const [cleared] = await app.ingest.ingest([{ ...key, content: { text: 'y' }, classes: [] }]);
    expect(cleared?.status).toBe('UPDATED');
    expect((await app.items.classesOf([item.id])).get(item.id)).toEqual([]);
  });

  it('identifies items without an external id by their content and pair', async () => {
    const first = await app.ingest.ingest([
      { content: { text: 'keyless' } },
      { content: { text: 'keyless' }, pairKey: 'k' },
    ]);
    const again = await app.ingest.ingest([
      { content: { text: 'keyless' } },
      { content: { text: 'keyless' }, pairKey: 'k' },
    ]);
    expect(first.map(({ status }) => status)).toEqual(['CREATED', 'CREATED']);
    expect(again.map(({ status }) => status)).toEqual(['UNCHANGED', 'UNCHANGED']);
    expect(again.map((outcome) => itemOf(outcome).id)).toEqual(first.map((outcome) => itemOf(outcome).id));
  });

  it('handles the same key several times in one call, in order', async () => {
    const outcomes = await app.ingest.ingest(
      ['one', 'two', 'two', 'one'].map((text) => ({ content: { text }, externalId: 'repeated' })),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(['CREATED', 'UPDATED', 'UNCHANGED', 'UPDATED']);
    const item = await app.items.byExternalId('repeated');
    expect(item).toMatchObject({ text: 'one' });
    const feature = await app.catalog.vectors.itemFeature(item?.id ?? '', app.features.text.id);
    const [expected] = await app.features.text.extract(['one']);
    expect(feature?.[0]).toBeCloseTo(expected?.[0] ?? Number.NaN, 5);
  });

  it('removes the file of an image that an update replaced, unless another item shows it', async () => {
    const [blue, green] = [await drawShape('square', 'blue'), await drawShape('square', 'green')];
    const [a] = await app.ingest.ingest([
      { content: { bytes: blue }, externalId: 'a' },
      { content: { bytes: blue }, externalId: 'b' },
    ]);
    const hash = itemOf(a).contentHash;
    await app.ingest.ingest([{ content: { bytes: green }, externalId: 'a' }]);
    expect(await app.store.has(hash)).toBe(true);
    await app.ingest.ingest([{ content: { bytes: green }, externalId: 'b' }]);
    expect(await app.store.has(hash)).toBe(false);
  });

  it('stores the 997 valid ones of 1000 items and returns the errors of the others, in order', async () => {
    const items = Array.from({ length: 1000 }, (_, i) => ({
      content: { text: `text number ${i}` },
      externalId: `n${i}`,
    }));
    items[13] = { content: { text: '   ' }, externalId: 'n13' };
    items[500] = { content: { imageBase64: 'not base64!' } as never, externalId: 'n500' };
    items[999] = { content: { text: 'x'.repeat(2_000_000) }, externalId: 'n999' };
    const outcomes = await app.ingest.ingest(items);
    const failures = outcomes.flatMap((outcome, i) =>
      outcome.status === 'FAILED' ? [[i, outcome.error.code, outcome.error.field]] : [],
    );
    expect(failures).toEqual([
      [13, 'EMPTY_TEXT', ['input', 'items', '13', 'content', 'text']],
      [500, 'BAD_BASE64', ['input', 'items', '500', 'content', 'imageBase64']],
      [999, 'TEXT_TOO_LONG', ['input', 'items', '999', 'content', 'text']],
    ]);
    expect(outcomes.filter(({ status }) => status === 'CREATED')).toHaveLength(997);
    expect(await app.items.count({ metadata: {}, and: [{ modality: 'TEXT' }] })).toBeGreaterThanOrEqual(997);
    expect(itemOf(outcomes[998])).toMatchObject({ externalId: 'n998', text: 'text number 998' });
  });

  const truncated = (png: Buffer) => png.subarray(0, png.length / 2);
  it.each([
    ['an empty text', async () => ({ text: '' }), 'EMPTY_TEXT', 'text'],
    ['a text with a NUL', async () => ({ text: 'a\0b' }), 'BAD_INPUT', 'text'],
    ['an empty image', async () => ({ imageBase64: '' }), 'EMPTY_IMAGE', 'imageBase64'],
    ['wrong base64', async () => ({ imageBase64: '%%%' }), 'BAD_BASE64', 'imageBase64'],
    [
      'bytes that are not an image',
      async () => ({ imageBase64: Buffer.from('hello there').toString('base64') }),
      'UNSUPPORTED_MEDIA_TYPE',
      'imageBase64',
    ],
    [
      'a truncated image',
      async () => ({ imageBase64: truncated(red).toString('base64') }),
      'UNREADABLE_IMAGE',
      'imageBase64',
    ],
    ['an unknown upload', async () => ({ mediaId: 'f'.repeat(64) }), 'MEDIA_NOT_FOUND', 'mediaId'],
    [
      'a private address',
      async () => ({ imageUrl: 'http://192.168.0.1/x.png' }),
      'ADDRESS_NOT_ALLOWED',
      'imageUrl',
    ],
    [
      'the loopback address',
      async () => ({ imageUrl: 'http://localhost/x.png' }),
      'ADDRESS_NOT_ALLOWED',
      'imageUrl',
    ],
    ['a file address', async () => ({ imageUrl: 'file:///etc/passwd' }), 'ADDRESS_NOT_ALLOWED', 'imageUrl'],
  ])('refuses %s, naming the field, and stores nothing', async (_what, content, code, field) => {
    const before = await app.items.count(null);
    const [outcome] = await app.ingest.ingest([{ content: await content(), externalId: 'refused' }]);
    expect(failureOf(outcome)).toMatchObject({ code, field: ['input', 'items', '0', 'content', field] });
    expect(await app.items.count(null)).toBe(before);
  });

  it.each([
    ['externalId', { externalId: '' }],
    ['externalId', { externalId: 'x'.repeat(LIMITS.externalIdCharacters + 1) }],
    ['pairKey', { pairKey: ' ' }],
    ['title', { title: 'x'.repeat(LIMITS.titleCharacters + 1) }],
    ['classes', { classes: ['fine', ''] }],
    ['metadata', { metadata: { deep: { nul: '\0' } } }],
  ])('refuses a malformed %s', async (field, fault) => {
    const [outcome] = await app.ingest.ingest([{ content: { text: 'fine' }, ...fault }]);
    expect(failureOf(outcome).code).toBe('BAD_INPUT');
    expect(failureOf(outcome).field[3]).toBe(field);
  });

  it('limits the items of a pair, within a call and over several', async () => {
    const texts = (from: number, count: number) =>
      Array.from({ length: count }, (_, i) => ({
        content: { text: `a caption ${from + i}` },
        externalId: `many-${from + i}`,
        pairKey: 'many',
      }));
    const [first] = await app.ingest.ingest(texts(0, LIMITS.itemsPerPair - 2));
    const rest = await app.ingest.ingest(texts(LIMITS.itemsPerPair - 2, 4));
    expect(rest.map(({ status }) => status)).toEqual(['CREATED', 'CREATED', 'FAILED', 'FAILED']);
    expect(failureOf(rest[2])).toMatchObject({
      code: 'PAIR_TOO_LARGE',
      field: ['input', 'items', '2', 'pairKey'],
    });
    // An item of a full pair can change, and leave it. Then another one can come.
    const [changed, left] = await app.ingest.ingest([
      { content: { text: 'another caption' }, externalId: 'many-0', pairKey: 'many' },
      { content: { text: 'a caption 1' }, externalId: 'many-1', pairKey: 'few' },
    ]);
    expect([changed?.status, left?.status]).toEqual(['UPDATED', 'UPDATED']);
    expect((await app.ingest.ingest(texts(1000, 1)))[0]?.status).toBe('CREATED');
    const counts = await app.items.countCounterparts([itemOf(first).id]);
    expect([...counts.values()]).toEqual([LIMITS.itemsPerPair - 1]);
  });

  it('refuses an image under the external id of a text', async () => {
    await app.ingest.ingest([{ content: { text: 'words' }, externalId: 'fixed' }]);
    const [outcome] = await app.ingest.ingest([{ content: { bytes: red }, externalId: 'fixed' }]);
    expect(failureOf(outcome)).toMatchObject({
      code: 'BAD_INPUT',
      field: ['input', 'items', '0', 'externalId'],
    });
  });

  it('stops when it is cancelled', async () => {
    const stop = new AbortController();
    stop.abort();
    const work = app.ingest.ingest([{ content: { text: 'never' }, externalId: 'never' }], {
      signal: stop.signal,
    });
    await expect(work).rejects.toSatisfy(
      (error) => error instanceof CommonspaceError && error.code === 'CANCELLED',
    );
    expect(await app.items.byExternalId('never')).toBeNull();
  });

  it('fails only the items that an extractor fails to extract, and logs the error once', async () => {
    const error = new Error('the model is broken');
    const extract = vi.spyOn(app.features.text, 'extract').mockRejectedValueOnce(error);
    const outcomes = await app.ingest.ingest([
      { content: { text: 'one' }, externalId: 'broken-1' },
      { content: { bytes: await drawShape('ring', 'green') }, externalId: 'intact' },
      { content: { text: 'two' }, externalId: 'broken-2' },
    ]);
    extract.mockRestore();
    expect(outcomes.map(({ status }) => status)).toEqual(['FAILED', 'CREATED', 'FAILED']);
    expect(failureOf(outcomes[2])).toMatchObject({ code: 'INTERNAL', field: ['input', 'items', '2'] });
    expect(failureOf(outcomes[2]).message).not.toContain('broken');
    expect(app.unexpected.splice(0)).toEqual([error]);
  });

  it('retries a write with one new snapshot when another writer interferes', async () => {
    const { items, encoders } = app.catalog;
    const existing = vi.spyOn(items, 'findExisting');
    const live = vi.spyOn(encoders, 'live');
    const extract = vi.spyOn(app.features.text, 'extract');
    const write = vi.spyOn(items, 'upsertMany').mockRejectedValueOnce(new IdentityConflict('meanwhile'));
    const [stored] = await app.ingest.ingest([{ content: { text: 'interfered' }, externalId: 'interfered' }]);
    const calls = [existing, live, extract, write].map((spy) => spy.mock.calls.length);
    vi.restoreAllMocks();
    expect(stored?.status).toBe('CREATED');
    // One snapshot before extraction, and one for each of two attempts.
    expect(calls).toEqual([3, 3, 1, 2]);
  });

  it('keeps what another writer changes between the snapshot and the write', async () => {
    const item = { externalId: 'both', content: { text: 'a text of both' } };
    const [{ id }] = [
      itemOf((await app.ingest.ingest([{ ...item, title: 'first', classes: ['of both'] }]))[0]),
    ];
    const { items } = app.catalog;
    const upsert = items.upsertMany.bind(items);
    const between = async (change: () => Promise<unknown>) => {
      const write = vi.spyOn(items, 'upsertMany').mockImplementationOnce(async (writes) => {
        await change();
        return await upsert(writes);
      });
      const [outcome] = await app.ingest.ingest([{ ...item, metadata: { from: 'ingest' } }]);
      write.mockRestore();
      return outcome;
    };
    expect(
      await between(() => app.itemUpdates.update([{ id, title: 'second', pairKey: 'new' }], [])),
    ).toMatchObject({
      status: 'UPDATED',
      item: { id, title: 'second', metadata: { from: 'ingest' } },
    });
    const [stored] = await items.toUpdate([id], []);
    expect(stored).toMatchObject({ pairKey: 'new', classNames: ['of both'] });
    await app.itemUpdates.update([{ id, metadata: {} }], []);
    await between(() => app.classChanges.rename({ name: 'of both' }, 'of both, renamed', undefined));
    expect(await items.toUpdate([id], [])).toMatchObject([{ classNames: ['of both, renamed'] }]);
    await app.itemUpdates.update([{ id, metadata: {} }], []);
    const outcome = await between(() => app.items.delete([id]));
    expect(outcome?.status).toBe('CREATED');
    expect(itemOf(outcome).id).not.toBe(id);
  });

  it('stops retrying after 8 attempts, and keeps the outcome of an unchanged item', async () => {
    const same = { content: { text: 'same as before' }, externalId: 'unchanged' };
    await app.ingest.ingest([same]);
    const conflict = new IdentityConflict('always');
    const write = vi.spyOn(app.catalog.items, 'upsertMany').mockRejectedValue(conflict);
    const outcomes = await app.ingest.ingest([same, { content: { text: 'never' }, externalId: 'conflict' }]);
    const attempts = write.mock.calls.length;
    vi.restoreAllMocks();
    expect(outcomes[0]?.status).toBe('UNCHANGED');
    expect(failureOf(outcomes[1])).toMatchObject({ code: 'BUSY' });
    expect(attempts).toBe(8);
    expect(app.unexpected).toEqual([]);
  });

  it('deletes items with their files and vectors, and names unknown ids', async () => {
    const [one] = await app.ingest.ingest([
      { content: { bytes: await drawShape('ring', 'yellow') }, externalId: 'gone' },
    ]);
    const { id, contentHash } = itemOf(one);
    const result = await app.items.delete([id, 'nonsense', '00000000-0000-7000-8000-000000000000']);
    expect(result.deletedIds).toEqual([id]);
    expect(result.errors.map(({ code, field }) => [code, field])).toEqual([
      ['ITEM_NOT_FOUND', ['ids', '1']],
      ['ITEM_NOT_FOUND', ['ids', '2']],
    ]);
    expect(await app.items.byId(id)).toBeNull();
    expect(await app.store.has(contentHash)).toBe(false);
    expect(await app.catalog.vectors.itemFeature(id, app.features.image.id)).toBeNull();
  });
});

describeOnEachKind('ingest by address', (kind) => {
  let app: TestApp;
  let server: Server;
  let address: string;
  beforeAll(async () => {
    app = await openTestApp(kind);
    const red = await drawShape('circle', 'red');
    server = createServer((request, response) => {
      if (request.url === '/red.png') response.end(red);
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    server.close();
    await app.close();
  });

  it('does not fetch from this machine unless its network is allowed', async () => {
    const [outcome] = await app.ingest.ingest([{ content: { imageUrl: `${address}/red.png` } }]);
    expect(failureOf(outcome).code).toBe('ADDRESS_NOT_ALLOWED');
  });

  it('fetches up to the budget of the call, and names the inputs beyond it', async () => {
    await app.restart({ fetchAllow: ['127.0.0.1/32'] });
    const red = await drawShape('circle', 'red');
    const content = { imageUrl: `${address}/red.png` };
    const inputs = Array.from({ length: 3 }, (_, i) => ({ content, externalId: `red-${i}` }));
    const outcomes = await app.ingest.ingest(inputs, { fetches: new FetchBudget(2 * red.length) });
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['CREATED', 'CREATED', 'FAILED']);
    const index = outcomes.findIndex(({ status }) => status === 'FAILED');
    expect(failureOf(outcomes[index])).toMatchObject({
      code: 'FETCH_BUDGET_EXCEEDED',
      field: ['input', 'items', String(index), 'content', 'imageUrl'],
    });
    const query = { all: [0, 1].map(() => ({ weight: 1, query: content })) };
    const request = {
      query,
      target: null,
      by: ['COUNTERPART'],
      filter: null,
      first: 1,
      after: null,
    } as const;
    const search = app.search.search(
      { ...request, minScore: null },
      { fetches: new FetchBudget(1.5 * red.length) },
    );
    await expect(search).rejects.toMatchObject({
      code: 'FETCH_BUDGET_EXCEEDED',
      field: ['query', 'all', expect.any(String), 'imageUrl'],
    });
  });
});
