import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { PRESETS } from '../../src/encoder/training/presets.js';

it('docs/training.md names every option of a training', () => {
  const doc = readFileSync(new URL('../../docs/training.md', import.meta.url), 'utf8');
  const { weights, ...others } = PRESETS.default;
  const names = [...Object.keys(others), ...Object.keys(weights).map((name) => `weights.${name}`)];
  expect(names.filter((name) => !doc.includes(`\`${name}\``))).toEqual([]);
});
