import type { ChildProcess } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LOCAL } from '../../src/domain/access.js';
import type { JobRow } from '../../src/domain/job.js';
import { createRandom } from '../../src/encoder/math/random.js';
import { openTestApp, type TestApp } from '../support/app.js';
import { printed, startCli } from '../support/cli.js';
import { saveOnnx, TINY_SENTENCE } from '../support/tiny-onnx.js';

const SEED = 7;
const KILLS = 20;
const ROWS = 300;
/** Every row whose number is a multiple of it is malformed. */
const MALFORMED = 17;
/** Rows of texts without an id, which are known by their content. */
const NAMELESS = 13;

const isMalformed = (row: number) => row % MALFORMED === 0;
const isNameless = (row: number) => !isMalformed(row) && row % NAMELESS === 0;

describe.skipIf(!process.env.TEST_DATABASE_URL)(
  'bulk ingests of two workers that are killed at random moments',
  () => {
    let app: TestApp;
    let folder: string;
    /** A model of texts that each worker loads at once. */
    let model: string;
    const running = new Set<ChildProcess>();

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'commonspace-job-kills-'));
      model = await saveOnnx(folder, TINY_SENTENCE);
      app = await openTestApp('server', { text: model });
    });
    afterAll(async () => {
      for (const child of running) child.kill('SIGKILL');
      await app.close();
      await rm(folder, { recursive: true, force: true });
    });

    async function worker(): Promise<ChildProcess> {
      const child = startCli(['worker'], {
        DATABASE_URL: app.url ?? '',
        COMMONSPACE_DATA: join(app.runs, '..'),
        COMMONSPACE_TEXT_MODEL: model,
      });
      running.add(child);
      child.once('close', () => running.delete(child));
      await printed(child, /The worker does/);
      return child;
    }

    const ends = (child: ChildProcess) =>
      new Promise((resolve) => child.once('close', (_code, by) => resolve(by)));

    /** Waits until the worker has completed this many steps. Five starts without a step would be taken for a fault of the job. */
    async function steps({ pid }: ChildProcess, count: number): Promise<void> {
      const rowsOf = async () => {
        const [row] = await app.catalog.database.run<{ rows: number; jobs: number }>(
          `SELECT COALESCE(sum(done + failed), 0)::int AS rows, count(*)::int AS jobs FROM job WHERE owner->>'pid' = $1`,
          [String(pid)],
        );
        return row?.jobs ? row.rows : null;
      };
      let [latest, complete] = [await rowsOf(), 0];
      while (complete < count) {
        await setTimeout(50);
        const now = await rowsOf();
        if (latest !== null && now !== null && now > latest) complete += 1;
        latest = now;
      }
    }

    async function begin(set: number): Promise<string> {
      const rows = Array.from({ length: ROWS }, (_, i) => rowOf(set, i + 1));
      const file = join(app.runs, '..', `set-${set}.jsonl`);
      await writeFile(file, (await Promise.all(rows)).join('\n'));
      const { id } = await app.bulkFiles.receive(createReadStream(file));
      return (await app.bulkJobs.begin({ uploadId: id, prefix: `set-${set}` }, ['input'], LOCAL)).id;
    }

    it('do every row once, and miss none', async () => {
      const random = createRandom(SEED);
      const sets: string[] = [];
      const underWay = async () => {
        const states = await Promise.all(sets.map((id) => app.jobs.require(id)));
        return states.filter(({ state }) => state === 'queued' || state === 'running').length;
      };
      let kills = 0;
      let interrupted = 0;
      const feeding = async () => {
        while (kills < KILLS) {
          while ((await underWay()) < 3) sets.push(await begin(sets.length));
          await setTimeout(200);
        }
      };
      const killing = async () => {
        while (kills < KILLS) {
          const child = await worker();
          const ended = ends(child);
          await steps(child, 1 + Math.floor(random.uniform() * 2));
          await setTimeout(random.uniform() * 700);
          child.kill('SIGKILL');
          expect(await ended).toBe('SIGKILL');
          kills += 1;
          interrupted += (
            await app.catalog.database.run(
              `SELECT id FROM job WHERE state = 'running' AND owner->>'pid' = $1`,
              [String(child.pid)],
            )
          ).length;
        }
      };
      await Promise.all([feeding(), killing(), killing()]);
      expect(kills).toBeGreaterThanOrEqual(KILLS);
      expect(interrupted).toBeGreaterThan(KILLS / 2);

      const last = await Promise.all([worker(), worker()]);
      await expect.poll(underWay, { timeout: 300_000, interval: 100 }).toBe(0);
      for (const child of last) {
        const ended = ends(child);
        child.kill('SIGTERM');
        await ended;
      }
      const malformed = Array.from({ length: ROWS }, (_, i) => i + 1).filter(isMalformed);
      for (const [set, id] of sets.entries()) {
        const job = await app.jobs.require(id);
        const counts: Partial<JobRow> = {
          total: ROWS,
          done: ROWS - malformed.length,
          failed: malformed.length,
          skipped: 0,
        };
        expect(job).toMatchObject({ state: 'succeeded', ...counts });
        const failures = await app.catalog.jobList.failures(id, 0, ROWS);
        expect(failures.map(({ ordinal }) => ordinal)).toEqual(malformed);
        const stored = await app.catalog.database.run<{ key: string }>(
          `SELECT COALESCE(external_id, 'nameless ' || text) AS key FROM item
         WHERE external_id LIKE $1 OR text LIKE $2 ORDER BY 1`,
          [`set-${set}-%`, `set-${set} %`],
        );
        const expected = Array.from({ length: ROWS }, (_, i) => i + 1).flatMap((row) => {
          if (isMalformed(row)) return [];
          return isNameless(row) ? [`nameless set-${set} ${row}`] : [`set-${set}-${row}`];
        });
        expect(stored.map(({ key }) => key).sort()).toEqual(expected.sort());
      }
      console.log(
        `${kills} kills, ${interrupted} within a job, ${sets.length} jobs, ${sets.length * ROWS} rows`,
      );
    }, 900_000);
  },
);

/** A row with a picture of its own. */
async function rowOf(set: number, row: number): Promise<string> {
  if (isMalformed(row)) return '{ malformed';
  if (isNameless(row)) return JSON.stringify({ text: `set-${set} ${row}`, label: 'nameless' });
  const [red, green, blue] = [row % 256, (row >> 8) + 40 * set, 90] as const;
  const background = { r: red, g: green % 256, b: blue };
  const png = await sharp({ create: { width: 16, height: 16, channels: 3, background } })
    .png()
    .toBuffer();
  return JSON.stringify({
    external_id: `set-${set}-${row}`,
    image_base64: png.toString('base64'),
    label: 'plain',
  });
}
