import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { buildSchema, parse } from 'graphql';
import { expect, it } from 'vitest';
import { Draw } from '../fuzz/draw.js';
import { drawOperation, rootFields } from '../fuzz/operations.js';
import type { Pool } from '../fuzz/pool.js';
import { operationRequest, otherRequest } from '../fuzz/requests.js';
import { inputPlaces } from '../support/schema-inputs.js';

const schema = buildSchema(readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8'));
const roots = rootFields(schema);
const POOL: Pool = {
  items: ['i'],
  classes: ['c'],
  encoders: ['e'],
  classNames: ['circle'],
  keys: ['k'],
  media: ['m'],
  cursors: ['after'],
  addresses: ['http://127.0.0.1:1/'],
  pictures: [Buffer.from('picture of many bytes')],
  dimension: 2,
};

const operationAt = (number: number, seed = 1) => {
  const root = roots[number % roots.length];
  if (root === undefined) throw new Error('no root field');
  return drawOperation(schema, new Draw(seed, number), POOL, root);
};

it('draws the same requests for the same seed, and others for another', () => {
  const all = (seed: number) => {
    const hash = createHash('sha256');
    for (let number = 0; number < 100; number += 1) {
      hash.update(JSON.stringify(operationRequest(new Draw(seed, number), operationAt(number, seed))));
      hash.update(JSON.stringify(otherRequest(new Draw(seed, number), POOL)));
    }
    return hash.digest('hex');
  };
  expect(all(1)).toBe(all(1));
  expect(all(1)).not.toBe(all(2));
});

it('gives every argument and every input field of the schema', () => {
  const texts = Array.from({ length: 6_000 }, (_, number) => {
    const { document, variables } = operationAt(number);
    return document + variables;
  });
  const text = texts.join('\n');
  const names = new Set(
    inputPlaces(schema, { JSONObject: {}, SearchQueryInput: {}, ItemContentInput: {} }).map(({ path }) =>
      path.at(-1),
    ),
  );
  expect(names.size).toBeGreaterThan(60);
  expect([...names].filter((name) => !new RegExp(`\\b${name}"?:`).test(text))).toEqual([]);
});

it('writes documents of which most can be parsed', () => {
  const parsed = Array.from({ length: 500 }, (_, number) => {
    try {
      return parse(operationAt(number).document).definitions.length;
    } catch {
      return 0;
    }
  });
  expect(parsed.filter((definitions) => definitions > 0).length).toBeGreaterThan(450);
});
