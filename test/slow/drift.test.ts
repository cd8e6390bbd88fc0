import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { unit } from '../../src/domain/vectors.js';
import { createRandom } from '../../src/encoder/math/random.js';
import { createApp } from '../../src/http/app.js';
import { EncoderHealthService } from '../../src/services/drift/encoder-health.js';
import { QuerySampler } from '../../src/services/drift/query-sampler.js';
import type { SearchRequest } from '../../src/services/search/search-request.js';
import { drawShape } from '../factories/shapes.js';
import { ingestShapes, openTestApp, QUICK, type TestApp } from '../support/app.js';
import { describeOnEachKind } from '../support/catalog.js';

describeOnEachKind('drift', (kind) => {
  let app: TestApp;
  let http: FastifyInstance;
  let encoderId: string;
  beforeAll(async () => {
    app = await openTestApp(kind, { querySamples: { everyMs: 0, random: sequence() } });
    await ingestShapes(app);
    await app.training.train(QUICK);
    encoderId = (await app.training.active())?.id ?? '';
    http = await createApp({ services: app, logger: pino({ level: 'silent' }), apiKeys: [], loopback: true });
  });
  afterAll(async () => {
    await http.close();
    expect(app.unexpected).toEqual([]);
    await app.close();
  });

  /** Every slot in turn, so that no sample replaces another. */
  function sequence(): () => number {
    let next = 0;
    return () => (next++ % 500) / 500;
  }
  const search = async (query: SearchRequest['query'], further: Partial<SearchRequest> = {}) => {
    await app.search.search({
      query,
      target: 'IMAGE',
      filter: null,
      by: ['CONTENT', 'COUNTERPART', 'LEXICAL', 'BORROWED'],
      first: 5,
      after: null,
      minScore: null,
      threshold: null,
      ...further,
    } as SearchRequest);
  };
  const stored = async () =>
    await app.catalog.database.run<{ query: string; target: string; reference: boolean; samples: number }>(
      `SELECT query, target, reference, count(*)::int AS samples FROM vectors.query_sample
       WHERE encoder_id = $1 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`,
      [encoderId],
    );
  const health = async () => {
    const answer = await http.inject({
      method: 'POST',
      url: '/graphql',
      payload: {
        query: `query($id: ID!) { encoder(id: $id) { health { advice reasons modalityGap discriminatorAccuracy newItems sampledQueries
          queries { query target samples references similarity referenceSimilarity stabilityIndex energyDistance belowThreshold
            referenceBelowThreshold } } } }`,
        variables: { id: encoderId },
      },
    });
    return answer.json().data.encoder.health;
  };
  /** Samples as a server has them after some weeks. */
  const fill = async (count: number, vectorOf: (i: number) => Float32Array) => {
    const sampler = new QuerySampler(app.catalog, (error) => app.unexpected.push(error), {
      everyMs: 0,
      random: sequence(),
    });
    for (let i = 0; i < count; i += 1)
      sampler.offer({ encoderId, query: 'TEXT', target: 'IMAGE', vector: vectorOf(i) });
    await sampler.stop();
  };
  /** Measured now: the service keeps a measurement for a minute. */
  const measured = async () => {
    const service = new EncoderHealthService(app.catalog);
    const row = await app.encoders.byId(encoderId);
    const found = row && (await service.of(row));
    if (found == null) throw new Error('the encoder has no health');
    return found;
  };

  beforeEach(async () => {
    await app.catalog.database.run('DELETE FROM vectors.query_sample');
  });

  it('is measured from sampled queries, without their texts, and leads to advice', async () => {
    // Of callers' texts and pictures that rank all items of a modality, and of no others.
    await search({ text: 'a sampled circle' });
    await search({ text: 'a sampled circle' }, { by: ['CONTENT'], target: 'TEXT' });
    await search({ imageBase64: (await drawShape('ring', 'red')).toString('base64') });
    const [item] = await app.catalog.database.run<{ id: string }>('SELECT id FROM item LIMIT 1');
    await search({ itemId: item?.id ?? '' });
    await search({ className: 'ring' });
    await search({ text: 'a filtered circle' }, { filter: { classNames: ['circle'] } });
    await search({ text: 'no target' }, { target: null });
    await search({ text: 'only words' }, { by: ['LEXICAL'] });
    await search({
      all: [
        { query: { text: 'one' }, weight: 1 },
        { query: { text: 'two' }, weight: 1 },
      ],
    });
    await app.querySampler?.stop();
    expect(await stored()).toEqual([
      { query: 'IMAGE', target: 'IMAGE', reference: false, samples: 1 },
      { query: 'TEXT', target: 'IMAGE', reference: false, samples: 1 },
      { query: 'TEXT', target: 'TEXT', reference: false, samples: 1 },
    ]);
    const rows = await app.catalog.database.run('SELECT * FROM vectors.query_sample');
    expect(JSON.stringify(rows)).not.toContain('sampled');

    const few = await health();
    expect(few).toMatchObject({
      advice: 'UNKNOWN',
      reasons: [],
      newItems: 0,
      sampledQueries: 3,
      queries: [],
    });
    expect(few.modalityGap).toBeGreaterThan(0);
    expect(few.discriminatorAccuracy).toBeGreaterThanOrEqual(0.4);

    // Queries such as the training set: its own texts.
    const texts = await app.catalog.querySamples.items(encoderId, 'TEXT', null, 60);
    await fill(150, (i) => texts[i % texts.length]?.vector as Float32Array);
    const same = await measured();
    expect(same.advice).toBe('STABLE');
    expect(same.queries).toHaveLength(1);
    expect(same.queries[0]).toMatchObject({ query: 'TEXT', target: 'IMAGE', samples: 150 });
    expect(same.queries[0]?.references).toBeGreaterThan(30);
    expect(same.queries[0]?.energyDistance).toBeLessThan(0.01);

    // Queries from elsewhere in the common space.
    const random = createRandom(3);
    const dimension = texts[0]?.vector.length ?? 0;
    await fill(150, () => unit(Float32Array.from({ length: dimension }, () => random.normal())));
    const shifted = await measured();
    expect(shifted.advice).toBe('TRAIN_AGAIN');
    expect(shifted.reasons[0]).toMatch(/^Queries by TEXT for IMAGE find less similar items/);
    expect(shifted.queries[0]?.stabilityIndex).toBeGreaterThan(0.5);
    expect(shifted.queries[0]?.energyDistance).toBeGreaterThan(0.02);
    expect(shifted.queries[0]?.similarity).toBeLessThan(shifted.queries[0]?.referenceSimilarity ?? 0);
  });

  it('is among the metrics, once it was measured', async () => {
    const row = await app.encoders.byId(encoderId);
    if (row === null) throw new Error('no encoder');
    await app.health.of(row);
    const { body } = await http.inject({ url: '/metrics' });
    for (const metric of [
      'commonspace_encoder_modality_gap \\d',
      'commonspace_encoder_discriminator_accuracy \\d',
      'commonspace_encoder_new_items_ratio 0',
      'commonspace_encoder_advice{advice="[A-Z_]+"} 1',
    ])
      expect(body).toMatch(new RegExp(`^${metric}`, 'm'));
  });

  it('has no samples of a removed encoder, and keeps at most 500 of a direction', async () => {
    const texts = await app.catalog.querySamples.items(encoderId, 'TEXT', null, 60);
    await fill(520, (i) => texts[i % texts.length]?.vector as Float32Array);
    const most = Math.max(...(await stored()).map(({ samples }) => samples));
    expect(most).toBe(500);
    const gone = {
      encoderId: '00000000-0000-4000-8000-000000000000',
      query: 'TEXT',
      target: 'IMAGE',
    } as const;
    await app.catalog.querySamples.put({
      ...gone,
      reference: false,
      slot: 0,
      similarity: 1,
      vector: texts[0]?.vector as Float32Array,
    });
    expect(app.unexpected).toEqual([]);
  });
});
