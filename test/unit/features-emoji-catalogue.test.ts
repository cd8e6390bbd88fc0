import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { emojiCatalogue } from '../../src/demo/emoji-catalogue.js';

describe('emojiCatalogue', () => {
  const catalogue = emojiCatalogue();

  it('contains every base emoji of both vendors, without flags and components', () => {
    expect(catalogue.length).toBeGreaterThan(1600);
    expect(new Set(catalogue.map(({ hexcode }) => hexcode)).size).toBe(catalogue.length);
    const groups = new Set(catalogue.map(({ group }) => group));
    expect(groups.size).toBe(8);
    expect(groups).not.toContain('flags');
    expect(groups).not.toContain('component');
    expect(catalogue.some(({ label }) => label.includes('skin tone'))).toBe(false);
  });

  it('names existing pictures, each once', () => {
    const files = catalogue.flatMap(({ googleFile, twitterFile }) => [googleFile, twitterFile]);
    expect(new Set(files).size).toBe(2 * catalogue.length);
    expect(files.filter((file) => !existsSync(file))).toEqual([]);
  });

  it('starts the caption with the name and repeats no word', () => {
    const tiger = catalogue.find(({ label }) => label === 'tiger');
    expect(tiger).toMatchObject({ hexcode: '1F405', subgroup: 'animal-mammal', group: 'animals-nature' });
    expect(tiger?.text).toMatch(/^tiger, animal, /);
    expect(tiger?.text.match(/tiger/g)).toHaveLength(1);
  });

  it('describes the same pictures in other languages', () => {
    const pictures = catalogue.map(({ googleFile }) => googleFile);
    for (const [language, name] of [
      ['zh', '老虎'],
      ['fr', 'tigre'],
      ['es', 'tigre'],
    ] as const) {
      const other = emojiCatalogue(language);
      expect(other.map(({ googleFile }) => googleFile)).toEqual(pictures);
      expect(other.find(({ hexcode }) => hexcode === '1F405')?.label).toBe(name);
      expect(other.filter(({ text }) => text.trim() === '')).toEqual([]);
    }
  });

  it('refuses an unknown language and lists the known ones', () => {
    expect(() => emojiCatalogue('xx')).toThrow(/'xx'.*\ben\b.*\bes\b.*\bfr\b.*\bzh\b/s);
    expect(() => emojiCatalogue('xx')).not.toThrow(/\bmeta\b/);
    expect(() => emojiCatalogue('../en')).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }));
  });
});
