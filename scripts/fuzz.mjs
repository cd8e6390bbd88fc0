// Sends requests drawn from the schema to a server: node scripts/fuzz.mjs --requests N --seed N
import { runnerImport } from 'vite';

await runnerImport(new URL('../test/fuzz/command.ts', import.meta.url).pathname, {
  configFile: false,
  logLevel: 'error',
});
