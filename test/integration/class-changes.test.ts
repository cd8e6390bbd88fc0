import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { ingestShapes, openTestApp, QUICK, type TestApp } from '../support/app.js';
import { describeOnEachKind, emptyCatalog } from '../support/catalog.js';

describeOnEachKind('changes of classes', (kind) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await openTestApp(kind);
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    await emptyCatalog(app.catalog);
    const item = (externalId: string, classes: readonly string[]) => ({
      content: { text: externalId },
      externalId,
      classes,
    });
    await app.ingest.ingest([
      item('a', ['cat']),
      item('b', ['cat', 'kitten']),
      item('c', ['kitten']),
      item('d', []),
    ]);
  });

  const classesOf = async (): Promise<Record<string, readonly string[]>> => {
    const rows = await app.catalog.items.page({ filter: null, afterId: null, limit: 9 });
    const classes = await app.items.classesOf(rows.map(({ id }) => id));
    return Object.fromEntries(
      rows.map(({ id, externalId }) => [externalId, classes.get(id)?.map(({ name }) => name) ?? []]),
    );
  };
  const idOf = async (name: string) => (await app.catalog.classes.byNames([name]))[0]?.id ?? '';
  const featureOf = async (name: string) => {
    const rows = await app.catalog.classes.byNames([name]);
    const ids = rows.map(({ id }) => id);
    return [...(await app.catalog.vectors.classFeatures(app.features.text.id, ids)).values()];
  };

  it('rename a class; its items keep the label, and the feature is that of the new name', async () => {
    const id = await idOf('cat');
    await app.classChanges.rename({ id }, 'dinosaur', undefined);
    expect(await classesOf()).toEqual({ a: ['dinosaur'], b: ['dinosaur', 'kitten'], c: ['kitten'], d: [] });
    await app.classes.create('cat', null);
    expect(await featureOf('dinosaur')).not.toEqual(await featureOf('cat'));
    await app.classChanges.rename({ name: 'cat' }, undefined, 'a small beast');
    expect(await app.catalog.classes.byNames(['cat'])).toMatchObject([{ description: 'a small beast' }]);
    const described = await featureOf('cat');
    await app.classChanges.rename({ name: 'cat' }, ' cats ', null);
    expect(await app.catalog.classes.byNames(['cats'])).toMatchObject([{ description: null }]);
    expect(await featureOf('cats')).not.toEqual(described);
  });

  it('store no feature of a former name', async () => {
    const [former] = await app.catalog.classes.byNames(['cat']);
    if (former === undefined) throw new Error('no class');
    await app.classChanges.rename({ name: 'cat' }, 'dinosaur', undefined);
    const before = await featureOf('dinosaur');
    // As a request does that has read the class before.
    const vector = Float32Array.from({ length: before[0]?.length ?? 0 }, (_, i) => (i === 0 ? 1 : 0));
    await app.catalog.vectorWrites.putClassFeatures(app.features.text.id, [{ row: former, vector }]);
    expect(await featureOf('dinosaur')).toEqual(before);
  });

  it('merge classes: each item has the label once', async () => {
    const kept = await app.classChanges.merge(['kitten', 'kitten'], 'cat');
    expect(kept.name).toBe('cat');
    expect(await classesOf()).toEqual({ a: ['cat'], b: ['cat'], c: ['cat'], d: [] });
    expect((await app.classes.itemCounts([kept.id], null)).get(kept.id)).toBe(3);
    expect(await app.catalog.classes.allNames()).toEqual(['cat']);
  });

  it('delete a class; its items stay', async () => {
    await app.classChanges.delete({ name: 'cat' });
    expect(await classesOf()).toEqual({ a: [], b: ['kitten'], c: ['kitten'], d: [] });
  });

  it('refuse what cannot be', async () => {
    const { classChanges } = app;
    const nil = '00000000-0000-0000-0000-000000000000';
    const refusals = [
      [() => classChanges.rename({ name: 'cat' }, 'kitten', undefined), 'CLASS_EXISTS', ['newName']],
      [() => classChanges.rename({ name: 'cat' }, '', undefined), 'BAD_INPUT', ['newName']],
      [() => classChanges.rename({ name: 'x' }, 'y', undefined), 'UNKNOWN_CLASS', ['name']],
      [() => classChanges.rename({ id: nil }, 'y', undefined), 'UNKNOWN_CLASS', ['id']],
      [() => classChanges.rename({ id: nil, name: 'cat' }, 'y', undefined), 'BAD_INPUT', ['id']],
      [() => classChanges.merge(['cat', 'x'], 'kitten'), 'UNKNOWN_CLASS', ['from', '1']],
      [() => classChanges.merge(['kitten'], 'x'), 'UNKNOWN_CLASS', ['into']],
      [() => classChanges.merge(['cat', 'kitten'], 'kitten'), 'BAD_INPUT', ['from', '1']],
      [() => classChanges.merge([], 'kitten'), 'BAD_INPUT', ['from']],
      [() => classChanges.delete({ name: 'nul \u0000' }), 'BAD_INPUT', ['name']],
      [() => classChanges.delete({}), 'BAD_INPUT', ['id']],
    ] as const;
    for (const [call, code, field] of refusals) await expect(call()).rejects.toMatchObject({ code, field });
    expect(await app.catalog.classes.allNames()).toEqual(['cat', 'kitten']);
  });

  it('meet writers of items: no label is lost, and no write fails', async () => {
    const rounds = Array.from({ length: 6 }, (_, i) => i);
    const writes = rounds.flatMap((i) => [
      app.itemUpdates.update([{ externalId: 'd', addClasses: [`label ${i}`, 'fresh'] }], ['items']),
      app.ingest.ingest([{ content: { text: `new ${i}` }, externalId: `new ${i}`, classes: ['fresh'] }]),
    ]);
    const changes = rounds.map(async () => {
      await app.classChanges.delete({ name: 'fresh' }).catch((error: { code: string }) => {
        expect(error.code).toBe('UNKNOWN_CLASS');
      });
    });
    await Promise.all([...changes, ...writes]);
    const outcomes = (await Promise.all(writes)).flat();
    expect(outcomes.filter(({ status }) => status === 'FAILED')).toEqual([]);
    expect((await classesOf()).d).toEqual(expect.arrayContaining(rounds.map((i) => `label ${i}`)));
    expect(app.unexpected).toEqual([]);
  });

  it('are refused while a training names the class, and change the record of one that has ended', async () => {
    await ingestShapes(app);
    const { id } = await app.training.enqueue({ ...QUICK, unseen: ['ring'] });
    await expect(app.classChanges.rename({ name: 'ring' }, 'torus', undefined)).rejects.toMatchObject({
      code: 'CLASS_IN_USE',
    });
    await app.classChanges.rename({ name: 'circle' }, 'disc', undefined);
    await app.training.cancel(id);
    await app.classChanges.rename({ name: 'ring' }, 'torus', undefined);
    expect((await app.encoders.require(id)).request?.unseen).toEqual(['torus']);
    await app.classChanges.delete({ name: 'torus' });
    expect((await app.encoders.require(id)).request?.unseen).toEqual([]);
  });
});
