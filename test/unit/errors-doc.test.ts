import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ERRORS } from '../../src/domain/errors.js';

it('docs/errors.md lists every code with its status, exit code and meaning, and no other', () => {
  const doc = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
  const rows = [...doc.matchAll(/^\| `([A-Z0-9_]+)` \| (\d+) \| (\d+) \| (.+) \|$/gm)];
  const documented = Object.fromEntries(
    rows.map(([, code, status, exit, what]) => [code, { status: Number(status), exit: Number(exit), what }]),
  );
  expect(documented).toEqual(ERRORS);
});
