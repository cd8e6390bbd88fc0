import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { WASM_TIERING } from './src/platform/wasm-tiering.js';

/** The first to run, and what comes after: a long file that is begun last leaves one of two cores idle. */
const FOLDERS = ['e2e', 'integration', 'golden', 'unit'];

/** Files folder by folder, those in a folder by a hash of their names: in no order that anything could rely on. */
class LongFilesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const key = ({ moduleId }: TestSpecification) => {
      const folder = FOLDERS.findIndex((name) => moduleId.includes(`/test/${name}/`));
      const hash = createHash('sha256').update(basename(moduleId)).digest('hex');
      return `${folder < 0 ? FOLDERS.length : folder} ${hash}`;
    };
    return files.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
  }
}

export default defineConfig({
  // As Node resolves it for everybody else: two copies of it would not know each other's schemas.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    include: ['test/**/*.test.ts'],
    // Files run in processes of their own, two at once: that is what two cores and a database each can carry.
    pool: 'forks',
    maxWorkers: 2,
    // Each file starts a database, and ends soon.
    execArgv: [WASM_TIERING],
    testTimeout: 120_000,
    hookTimeout: 240_000,
    sequence: { shuffle: { tests: true }, seed: 20_18, sequencer: LongFilesFirst },
    env: { COMMONSPACE_LOG_LEVEL: 'silent' },
  },
});
