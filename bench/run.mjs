// Runs a bench written in TypeScript: node bench/run.mjs NAME [arguments]. Vite comes with the test runner.
import { runnerImport } from 'vite';

const [name = ''] = process.argv.splice(2, 1);
await runnerImport(new URL(`./${name}.ts`, import.meta.url).pathname, {
  configFile: false,
  logLevel: 'error',
});
