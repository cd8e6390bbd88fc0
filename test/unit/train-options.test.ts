import { describe, expect, it } from 'vitest';
import { readTrainOption } from '../../src/cli/train-options.js';
import { resolveTrainOptions } from '../../src/encoder/training/presets.js';
import type { TrainOptionsInput } from '../../src/services/encoders/train-request.js';

const readAll = (...texts: readonly string[]) =>
  texts.reduce<TrainOptionsInput>((before, text) => readTrainOption(text, before), {});

describe('--set', () => {
  it('reads weights, numbers, truths and lists, one after another', () => {
    const read = readAll(
      'weights.adversary=0.5',
      'weights.semantics = 2',
      'dropout=.3',
      'ccaSkip=false',
      'imageHidden=512, 256',
      'textHidden=',
      'dropout=.4',
    );
    expect(read).toEqual({
      weights: { adversary: 0.5, semantics: 2 },
      dropout: 0.4,
      ccaSkip: false,
      imageHidden: [512, 256],
      textHidden: [],
    });
    expect(resolveTrainOptions(read)).toMatchObject({ dropout: 0.4, preset: 'default' });
  });

  it.each([
    ['dropout', /must be option=value/],
    ['=3', /must be option=value/],
    ['dropuot=3', /unknown training option dropuot; the options are: .*dropout/],
    ['weights=3', /unknown training option weights; the options are: .*weights\.similarity/],
    ['weights.none=3', /unknown training option weights\.none/],
    ['preset=paper', /unknown training option preset/],
    ['seed=3', /unknown training option seed/],
    ['dropout=', /dropout must be a number; got ""/],
    ['dropout=much', /dropout must be a number; got "much"/],
    ['ccaSkip=1', /ccaSkip must be true or false/],
    ['imageHidden=5,x', /imageHidden must be a number; got "x"/],
  ])('refuses %s', (text, message) => {
    expect(() => readTrainOption(text)).toThrow(message);
  });
});

it.each<[string, string]>([
  ['dropout', 'dropout=1'],
  ['weights.adversary', 'weights.adversary=-1'],
  ['imageHidden', 'imageHidden=0'],
  ['members', 'members=1.5'],
])('refuses %s out of range by its name', (name, text) => {
  expect(() => resolveTrainOptions(readTrainOption(text))).toThrow(
    expect.objectContaining({ code: 'BAD_INPUT', field: [name], message: expect.stringContaining(name) }),
  );
});

it.each<[string, object]>([
  ['dropuot', { dropuot: 0.5 }],
  ['weights.none', { weights: { none: 1 } }],
  ['ccaSkip', { ccaSkip: 'yes' }],
  ['textHidden', { textHidden: 256 }],
  ['dropout', { dropout: '0.5' }],
])('refuses %s from a caller without types', (name, input) => {
  expect(() => resolveTrainOptions(input)).toThrow(
    expect.objectContaining({ code: 'BAD_INPUT', field: [name] }),
  );
});
