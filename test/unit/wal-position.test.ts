import { describe, expect, it } from 'vitest';
import { readLsn, readPosition, writePosition } from '../../src/domain/wal-position.js';

describe('a position in the log', () => {
  it('is read as Postgres writes it, and written so that later ones are greater as texts', () => {
    expect(readLsn('16/B374D848')).toBe(0x16b374d848n);
    expect(readLsn('0/0')).toBe(0n);
    const texts = ['0/9000000', '0/A000010', '1/10', '10/0', 'FFFFFFFF/FFFFFFFF'].map((lsn) =>
      writePosition(readLsn(lsn)),
    );
    expect(texts).toEqual([...texts].sort());
    expect(texts.map(readPosition)).toEqual([
      0x9000000n,
      0xa000010n,
      0x100000010n,
      0x1000000000n,
      2n ** 64n - 1n,
    ]);
  });

  it('after the header of a page or a segment is the begin of the page, where the record before ends', () => {
    expect(readLsn('0/3000028')).toBe(0x3000000n);
    expect(readLsn('0/3002018')).toBe(0x3002000n);
    // Within a page.
    expect(readLsn('0/3002028')).toBe(0x3002028n);
    expect(readLsn('0/3002020')).toBe(0x3002020n);
  });

  it('of a caller is null if no server has written it', () => {
    for (const text of [
      '',
      '16/B374D848',
      '16b374d848',
      '000000G6b374d848',
      '00000016B374D848',
      `${'0'.repeat(16)}\n`,
      '0'.repeat(17),
    ])
      expect(readPosition(text), text).toBeNull();
    expect(() => readLsn('null')).toThrow('not a position');
  });
});
