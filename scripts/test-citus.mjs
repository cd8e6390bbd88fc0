// Runs the tests of the server on a Citus cluster, one file at a time: its nodes share the connections.
import { spawnSync } from 'node:child_process';

const { TEST_CITUS_URL } = process.env;
if (!TEST_CITUS_URL) {
  console.log('TEST_CITUS_URL is not set: the tests on Citus are skipped.');
  process.exit(0);
}
const slow = [
  'archive',
  'concurrent-model',
  'distributed',
  'drift',
  'duplicates',
  'encoder',
  'filtered-ranking',
  'job-kills',
  'server-processes',
  'switching-extractors',
];
const { status } = spawnSync(
  'npx',
  ['vitest', 'run', '--no-file-parallelism', 'test/integration', ...slow.map((name) => `test/slow/${name}`)],
  { stdio: 'inherit', env: { ...process.env, TEST_DATABASE_URL: TEST_CITUS_URL } },
);
process.exit(status ?? 1);
