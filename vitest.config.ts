import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { WASM_TIERING } from './src/platform/wasm-tiering.js';

/** The order of the folders. Long files start first: a long file that starts last leaves one of two cores idle. */
const FOLDERS = ['slow', 'e2e', 'integration', 'golden', 'unit'];

/** Files by folder, and within a folder by a hash of their names, so that no test can rely on their order. */
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
  // The file that Node resolves for all other packages: two copies of graphql refuse each other's schemas.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    include: ['test/**/*.test.ts'],
    // Two processes use two cores fully. Each runs many files, every one with its own database: a process for each file would
    // spend a fifth of the time on starting and on reading the sources.
    pool: 'forks',
    maxWorkers: 2,
    isolate: false,
    // The processes are short, so optimise WebAssembly only where it is hot.
    execArgv: [WASM_TIERING],
    testTimeout: 120_000,
    hookTimeout: 240_000,
    // What is waited for comes, also on a slow machine; the default is a second.
    expect: { poll: { timeout: 60_000 } },
    sequence: { shuffle: { tests: true }, seed: 20_18, sequencer: LongFilesFirst },
    env: { COMMONSPACE_LOG_LEVEL: 'silent', COMMONSPACE_EMBEDDED_BUFFERS: '32' },
  },
});
