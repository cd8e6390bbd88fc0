import { expect, it } from 'vitest';
import { readTraining, trainingField } from '../../src/graphql/inputs.js';

it('passes on which encoder a training continues, and names the field of an error in it', () => {
  expect(readTraining({ from: 'an-id' })).toMatchObject({ from: 'an-id', preset: 'default', seed: 0 });
  expect(readTraining({})).toMatchObject({ from: null });
  expect(trainingField(['from'])).toEqual(['input', 'from']);
  expect(trainingField(['imageHidden'])).toEqual(['input', 'options', 'imageHidden']);
});
