import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { readFacts } from '../support/source-facts.js';

const CLIENT = new URL('../../src/client/', import.meta.url);

it('only the file helpers of the client import parts of Node, because the others run in browsers', () => {
  const importing = readdirSync(CLIENT)
    .filter((name) => name.endsWith('.ts'))
    .filter((name) => {
      const { imports } = readFacts({
        path: `src/client/${name}`,
        text: readFileSync(new URL(name, CLIENT), 'utf8'),
      });
      return imports.some(({ specifier }) => specifier.startsWith('node:'));
    });
  expect(importing).toEqual(['files.ts']);
});
