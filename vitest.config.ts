import { defineConfig } from 'vitest/config';

export default defineConfig({
  // As Node resolves it for everybody else: two copies of it would not know each other's schemas.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    include: ['test/**/*.test.ts'],
    // Files run in processes of their own, two at once: that is what two cores and a database each can carry.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 240_000,
    sequence: { shuffle: true, seed: 20_18 },
    env: { COMMONSPACE_LOG_LEVEL: 'silent' },
  },
});
