import { describe, expect, it } from 'vitest';
import { formatDuration } from '../../web/src/encoders/duration.js';
import { fromEvaluation, fromRecord } from '../../web/src/encoders/report-values.js';
import { secondsLike, statedSeconds, type TrainingWork } from '../../web/src/encoders/train-estimate.js';
import { INITIAL, trainingOf } from '../../web/src/encoders/train-values.js';

const WORK: TrainingWork = { pairs: 10_000, preset: 'default', continued: false, epochs: null, tuned: false };

describe('the form of a training', () => {
  it('asks for what its fields say', () => {
    expect(trainingOf({ ...INITIAL, unseen: ['ring'], holdout: 25, epochs: '7' })).toEqual({
      preset: 'DEFAULT',
      seed: 0,
      holdout: 0.25,
      unseenClasses: ['ring'],
      options: { tune: 'pairs' },
      imageExtractor: null,
      textExtractor: null,
      epochs: 7,
      activate: true,
    });
    expect(trainingOf({ ...INITIAL, options: '{"tune": "none", "dimension": 8}' })?.options).toEqual({
      tune: 'none',
      dimension: 8,
    });
    expect(trainingOf({ ...INITIAL, options: '[1]' })).toBeNull();
  });

  it('leaves to a version that is continued what is its own', () => {
    expect(trainingOf({ ...INITIAL, from: 'a', freeze: true, textExtractor: ' t@1 ' })).toEqual({
      from: 'a',
      freeze: 'IMAGE',
      imageExtractor: null,
      textExtractor: 't@1',
      epochs: null,
      activate: true,
    });
  });
});

describe('the estimate of a training', () => {
  it('gives the stated figures, and what lies between them', () => {
    const seconds = (pairs: number) => statedSeconds({ ...WORK, pairs });
    expect(seconds(10_000)).toBeCloseTo(377 + 5, 6);
    expect(seconds(100_000)).toBeCloseTo(829 + 5, 6);
    expect(seconds(1_000_000)).toBeCloseTo(1_728 + 5, 6);
    expect(seconds(5_000)).toBeCloseTo(377 / 2 + 5, 6);
    const sizes = [10, 500, 9_999, 10_001, 50_000, 300_000, 2_000_000].map(seconds);
    expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
    expect(seconds(2_000_000)).toBeLessThan(2 * seconds(1_000_000));
  });

  it('grows with tuning and epochs, and is a quarter for a version that is continued', () => {
    const plain = statedSeconds(WORK) - 5;
    expect(statedSeconds({ ...WORK, tuned: true }) - 5).toBeCloseTo(plain * 1.54, 6);
    expect(statedSeconds({ ...WORK, epochs: 25 }) - 5).toBeCloseTo(plain / 2, 6);
    expect(statedSeconds({ ...WORK, continued: true }) - 5).toBeCloseTo(plain / 4, 6);
    expect(statedSeconds({ ...WORK, preset: 'paper' }) - 5).toBeCloseTo(plain * (120 / 150), 6);
  });

  it('follows an earlier training of the same server', () => {
    const earlier = { work: WORK, seconds: 100 };
    expect(secondsLike(WORK, earlier)).toBeCloseTo(100, 6);
    expect(secondsLike({ ...WORK, pairs: 100_000 }, earlier)).toBeCloseTo((100 * 834) / 382, 6);
  });

  it('is said in the largest unit', () => {
    expect(formatDuration(47.6, 'en')).toBe('48 seconds');
    expect(formatDuration(437, 'en')).toBe('7 minutes');
    expect(formatDuration(2.5 * 3600, 'en')).toBe('2 hours 30 minutes');
    expect(formatDuration(7_190, 'en')).toBe('2 hours');
    expect(formatDuration(10_795, 'en')).toBe('3 hours');
    expect(formatDuration(437, 'zh')).toBe('7分钟');
  });
});

describe('the report of a version', () => {
  const figures = { 'map@all': { value: 0.5, low: null, high: null } };
  const method = { method: 'cca_part', i2t: figures, t2i: figures, avg: figures };

  it('is read from the record of its training', () => {
    const part = { images: 3, texts: 4, classes: 2, methods: [method], curves: [], perClass: [] };
    const view = fromRecord({ evaluatedAt: 'x', seen: part, unseen: null, harmonic: null, notes: ['n'] }, []);
    expect(view).toMatchObject({ source: 'training', seen: { images: 3 }, unseen: null, notes: ['n'] });
    expect(view?.seen?.methods[0]?.method).toBe('CCA_PART');
    expect(view?.seen?.methods[0]?.figures.i2t.get('map@all')?.value).toBe(0.5);
    expect(fromRecord(null, [])).toBeNull();
  });

  it('is that of an evaluation once there are results', () => {
    const running = {
      state: 'RUNNING',
      failure: null,
      startedAt: 'x',
      evaluatedAt: null,
      sourcePairs: null,
      sourceClasses: null,
      interval: null,
      seen: null,
      unseen: null,
      harmonic: [],
      classification: [],
      notes: [],
    } as const;
    expect(fromEvaluation(running)).toBeNull();
    expect(
      fromEvaluation({ ...running, evaluatedAt: 'y', interval: { confidence: 0.95, resamples: 9 } }),
    ).toMatchObject({ source: 'evaluation', confidence: 0.95 });
  });
});
