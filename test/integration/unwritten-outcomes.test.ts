import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { EncoderEvaluations } from '../../src/catalog/repositories/encoder-evaluations.js';
import { EvaluationJobs } from '../../src/services/evaluate/evaluation-jobs.js';
import { openTestApp, QUICK, type TestApp } from '../support/app.js';
import { describeOnEachKind, emptyCatalog } from '../support/catalog.js';
import { breakNextConnection } from '../support/lost-connection.js';

describeOnEachKind('work whose outcome cannot be stored at once', (kind) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await openTestApp(kind);
  });
  afterAll(() => app.close());
  beforeEach(() => emptyCatalog(app.catalog));

  async function newEncoder(): Promise<string> {
    const id = uuidv7();
    const extractors = { imageExtractor: app.features.image.id, textExtractor: app.features.text.id };
    const encoder = { id, dimension: 2, ...extractors, config: {}, report: {} };
    await app.catalog.encoders.create(encoder, Uint8Array.of(1));
    return id;
  }

  it('a training fails as it did once the database answers again', async () => {
    const { encoderRuns } = app.catalog;
    const { fail } = encoderRuns;
    let reached = false;
    encoderRuns.fail = (run, failure) => {
      encoderRuns.fail = fail;
      breakNextConnection(app.catalog);
      reached = true;
      return fail.call(encoderRuns, run, failure);
    };
    // Without pairs it fails at once.
    const run = await encoderRuns.begin({
      id: uuidv7(),
      imageExtractor: app.features.image.id,
      textExtractor: app.features.text.id,
      request: { ...QUICK, learnFrom: null },
    });
    await expect(app.trainingRunner.workHere(run, {})).rejects.toMatchObject({ code: 'NO_PAIRS' });
    expect(reached).toBe(true);
    expect(await app.encoders.byId(run.row.id)).toMatchObject({ state: 'training' });
    await app.trainingRunner.recover();
    expect(await app.encoders.byId(run.row.id)).toMatchObject({
      state: 'failed',
      failure: { code: 'NO_PAIRS' },
    });
  });

  it('an evaluation fails as it did once the database answers again', async () => {
    const id = await newEncoder();
    const unexpected: unknown[] = [];
    let begin = () => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const jobs = new EvaluationJobs(
      app.catalog,
      app.encoders,
      {
        evaluateEncoder: async () => {
          await begun;
          breakNextConnection(app.catalog);
          throw new Error('by the test');
        },
      },
      (error) => unexpected.push(error),
    );
    await jobs.start(id, false);
    begin();
    await expect.poll(() => unexpected.length).toBe(2);
    expect(unexpected).toContainEqual(expect.objectContaining({ code: 'DATABASE_UNREACHABLE' }));
    expect(await app.catalog.encoderEvaluations.byEncoder(id)).toMatchObject({ state: 'running' });
    expect(await jobs.latest(id)).toMatchObject({ state: 'failed', failure: { code: 'INTERNAL' } });
    await jobs.stop();
  });

  it('an evaluation of a process that ended fails without a request', async () => {
    const id = await newEncoder();
    // The claim of another process, which then gets no heartbeat.
    await new EncoderEvaluations(app.catalog.database).begin(id);
    await app.catalog.database.runOnce(
      `UPDATE encoder_evaluation SET heartbeat_at = clock_timestamp() - interval '2 minutes'`,
    );
    const evaluateEncoder = () => Promise.reject(new Error('by the test'));
    const jobs = new EvaluationJobs(app.catalog, app.encoders, { evaluateEncoder }, (error) =>
      app.unexpected.push(error),
    );
    jobs.startRecovery();
    await expect
      .poll(() => app.catalog.encoderEvaluations.byEncoder(id), { timeout: 10_000 })
      .toMatchObject({ state: 'failed', failure: { code: 'INTERRUPTED' } });
    await jobs.stop();
  });

  it('an evaluation that waits for its turn renews its claim', async () => {
    const [first, second] = [await newEncoder(), await newEncoder()];
    const jobs = new EvaluationJobs(
      app.catalog,
      app.encoders,
      {
        evaluateEncoder: (_id, _options, hooks) =>
          new Promise((_resolve, reject) =>
            hooks?.signal?.addEventListener('abort', () => reject(hooks.signal?.reason)),
          ),
      },
      (error) => app.unexpected.push(error),
    );
    await jobs.start(first, false);
    await jobs.start(second, false);
    await app.catalog.database.runOnce(
      `UPDATE encoder_evaluation SET heartbeat_at = clock_timestamp() - interval '55 seconds'`,
    );
    const silent = async () => {
      const rows = await app.catalog.database.runOnce<{ silent: number }>(
        `SELECT EXTRACT(EPOCH FROM clock_timestamp() - heartbeat_at)::float8 AS silent FROM encoder_evaluation`,
      );
      return Math.max(...rows.map((row) => row.silent));
    };
    await expect.poll(silent, { timeout: 15_000 }).toBeLessThan(30);
    await jobs.stop();
    for (const id of [first, second]) {
      expect(await jobs.latest(id)).toMatchObject({ state: 'failed', failure: { code: 'INTERRUPTED' } });
    }
  });
});
