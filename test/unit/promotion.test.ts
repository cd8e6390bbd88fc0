import { describe, expect, it } from 'vitest';
import { refusal } from '../../src/services/encoders/promotion.js';

const maps = (candidate: number | null, active: number | null) => ({ pairs: 40, candidate, active });

describe('the promotion gate', () => {
  it('lets through what is as good, within the tolerance, on seen and unseen classes', () => {
    expect(refusal({ seen: maps(0.5, 0.5), unseen: maps(0.3, 0.3) }, 0)).toBeNull();
    expect(refusal({ seen: maps(0.6, 0.5), unseen: null }, 0)).toBeNull();
    expect(refusal({ seen: maps(0.495, 0.5), unseen: maps(0.29, 0.3) }, 0.0101)).toBeNull();
  });

  it('holds back what is worse on either, and says where and by how much', () => {
    const worse = refusal({ seen: maps(0.6, 0.5), unseen: maps(0.2, 0.3) }, 0.01);
    expect(worse).toMatch(/40 held-out pairs of unseen classes its map is 0\.200, the active one's 0\.300/);
    expect(worse).not.toMatch(/of seen/);
    expect(refusal({ seen: maps(0.1, 0.5), unseen: maps(0.2, 0.3) }, 0.01)).toMatch(
      /seen classes.*unseen classes/,
    );
  });

  it('holds back what training has made worse than the pre-trained model', () => {
    const zeroShot = { seen: 0.52, unseen: 0.3 };
    const worse = refusal({ seen: maps(0.5, 0.4), unseen: maps(0.3, 0.3), zeroShot }, 0.01);
    expect(worse).toMatch(/of seen classes its map is 0\.500, the untrained model's 0\.520/);
    expect(worse).not.toMatch(/unseen classes/);
    expect(refusal({ seen: maps(0.52, 0.4), unseen: null, zeroShot }, 0)).toBeNull();
  });

  it('has nothing to say where nothing could be counted', () => {
    expect(refusal({ seen: null, unseen: null }, 0.01)).toBeNull();
    expect(refusal({ seen: maps(null, null), unseen: maps(null, 0.3) }, 0.01)).toBeNull();
  });
});
