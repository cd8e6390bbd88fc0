import { expect, it } from 'vitest';
import type { EncoderRow } from '../../src/catalog/types.js';
import { heldOutSummary } from '../../src/cli/held-out-summary.js';
import { encoderReport } from '../../src/domain/encoder-record.js';
import { heldOut } from '../../src/graphql/encoder-values.js';
import { storedEvaluation } from '../../src/services/encoders/stored-evaluation.js';

const figures = (map: number) => ({
  images: 12,
  texts: 10,
  i2t_map: map,
  t2i_map: map + 0.1,
  'recall@1': 0.2,
  'recall@10': 0.7,
  'i2t_recall@1': 0.1,
  't2i_recall@1': 0.3,
  'i2t_recall@10': 0.6,
  't2i_recall@10': 0.8,
});

function rowWith(report: object): EncoderRow {
  return {
    id: '01a20afe-0164-705b-9b50-43b5e7f17ae2',
    state: 'ready',
    dimension: 64,
    imageExtractor: 'a@1',
    textExtractor: 'b@1',
    request: null,
    config: { preset: 'default' },
    report: encoderReport.parse(report),
    createdAt: new Date(0),
    startedAt: null,
    finishedAt: new Date(1000),
    activatedAt: null,
    retiredAt: null,
  };
}

it('reads the figures that older versions stored into the record, and gives them out unchanged', () => {
  const seen = { ...figures(0.4), chance: figures(0.1), cca: figures(0.3) };
  const record = storedEvaluation(
    rowWith({ pairs: 90, classes: 5, holdout: { seen, unseen: null, chance: seen.chance } }),
  );
  expect(record).toMatchObject({ source: { pairs: 90, classes: 5 }, newContentOnly: false, unseen: null });
  expect(record?.seen?.methods.map(({ method }) => method)).toEqual(['masln', 'cca', 'chance']);
  expect(heldOutSummary(record)).toEqual({ seen, unseen: null, chance: seen.chance, classification: null });
  const rest = { images: 12, texts: 10, recallAt1: 0.2, recallAt10: 0.7 };
  expect(heldOut(record?.seen)).toEqual({
    encoder: { ...rest, i2tMap: 0.4, t2iMap: 0.5 },
    cca: { ...rest, i2tMap: 0.3, t2iMap: 0.4 },
    chance: { ...rest, i2tMap: 0.1, t2iMap: 0.2 },
  });
});

it('is null for an encoder that was not measured', () => {
  expect(storedEvaluation(rowWith({}))).toBeNull();
});
