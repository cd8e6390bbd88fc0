// Runs a benchmark written in TypeScript, with Vite, which the test runner includes: node bench/run.mjs NAME [arguments]
import { runnerImport } from 'vite';

const [name = ''] = process.argv.splice(2, 1);
await runnerImport(new URL(`./${name}.ts`, import.meta.url).pathname, {
  configFile: false,
  logLevel: 'error',
});
