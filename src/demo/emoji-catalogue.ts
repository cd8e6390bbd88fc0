import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { CommonspaceError } from '../domain/errors.js';

/** One base emoji with a picture of each vendor: two pictures and a caption that describe the same thing. */
export interface EmojiEntry {
  /** Code points in upper-case hex, joined by `-`, as emojibase writes them, e.g. `1F405`. */
  readonly hexcode: string;
  readonly emoji: string;
  /** Its name in the requested language, e.g. `tiger`. */
  readonly label: string;
  readonly tags: readonly string[];
  /** The caption: the label, then the tags that differ from it, e.g. `tiger, animal, big, cat`. */
  readonly text: string;
  /** English name of its subgroup, e.g. `animal-mammal`: the demo's class. */
  readonly subgroup: string;
  /** English name of its group, e.g. `animals-nature`. */
  readonly group: string;
  /** Absolute path of a 64×64 PNG drawn by Google (Apache-2.0). */
  readonly googleFile: string;
  /** Absolute path of a 64×64 PNG drawn by Twitter (CC-BY-4.0). */
  readonly twitterFile: string;
}

/** The fields that are read of an entry of emojibase's `data.json`. */
interface EmojibaseEntry {
  readonly label: string;
  readonly hexcode: string;
  readonly emoji: string;
  readonly tags?: readonly string[];
  readonly group?: number;
  readonly subgroup?: number;
  readonly order?: number;
}

interface EmojibaseGroups {
  readonly groups: Readonly<Record<string, string>>;
  readonly subgroups: Readonly<Record<string, string>>;
}

/** The fields that are read of an entry of emoji-datasource's `emoji.json`. */
interface DatasourceEntry {
  readonly unified: string;
  readonly non_qualified: string | null;
  readonly image: string;
  readonly has_img_google: boolean;
  readonly has_img_twitter: boolean;
}

/** Flags show a code and not a thing; components (skin tones, hair) are only parts of emoji. */
const LEFT_OUT_GROUPS: ReadonlySet<string> = new Set(['flags', 'component']);

const require = createRequire(import.meta.url);

/**
 * The demo's catalogue, from installed npm packages: every base emoji with a picture of each vendor.
 *
 * @param language an emojibase language: `en`, `zh`, `fr`, `es` and the others of its package.
 * @returns entries in Unicode's order.
 * @throws CommonspaceError BAD_INPUT for a language that the package does not have.
 */
export function emojiCatalogue(language = 'en'): EmojiEntry[] {
  const folder = packageFolder('emojibase-data');
  if (!languagesIn(folder).includes(language)) {
    const known = languagesIn(folder).join(', ');
    throw new CommonspaceError('BAD_INPUT', `no emoji names in '${language}'; there are: ${known}`, [
      'language',
    ]);
  }
  const names = readJson<EmojibaseEntry[]>(join(folder, language, 'data.json'));
  const meta = readJson<EmojibaseGroups>(join(folder, 'meta', 'groups.json'));
  const google = pictures('google');
  const twitter = pictures('twitter');

  const entries: EmojiEntry[] = [];
  for (const { label, hexcode, emoji, tags = [], group, subgroup } of [...names].sort(byUnicodeOrder)) {
    const groupName = meta.groups[String(group)];
    const subgroupName = meta.subgroups[String(subgroup)];
    if (groupName === undefined || subgroupName === undefined || LEFT_OUT_GROUPS.has(groupName)) continue;
    const googleFile = google.get(pictureKey(hexcode));
    const twitterFile = twitter.get(pictureKey(hexcode));
    if (googleFile === undefined || twitterFile === undefined) continue;
    const text = captionOf(label, tags);
    entries.push({
      hexcode,
      emoji,
      label,
      tags,
      text,
      subgroup: subgroupName,
      group: groupName,
      googleFile,
      twitterFile,
    });
  }
  return entries;
}

/** The label comes first because it says most; tags that only repeat it are left out. */
function captionOf(label: string, tags: readonly string[]): string {
  const added = tags.filter((tag) => tag.toLowerCase() !== label.toLowerCase());
  return [label, ...new Set(added)].join(', ');
}

function languagesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'meta' && entry.name !== 'versions')
    .map((entry) => entry.name)
    .sort();
}

/** Picture files of one vendor by code points. */
function pictures(vendor: 'google' | 'twitter'): Map<string, string> {
  const folder = packageFolder(`emoji-datasource-${vendor}`);
  const files = new Map<string, string>();
  for (const entry of readJson<DatasourceEntry[]>(join(folder, 'emoji.json'))) {
    const drawn = vendor === 'google' ? entry.has_img_google : entry.has_img_twitter;
    if (!drawn) continue;
    files.set(pictureKey(entry.unified), join(folder, 'img', vendor, '64', entry.image));
  }
  return files;
}

/** Without the variation selector FE0F: the packages differ in it, and no two emoji do. */
function pictureKey(hexcode: string): string {
  return hexcode.toUpperCase().replaceAll('-FE0F', '');
}

function byUnicodeOrder(a: EmojibaseEntry, b: EmojibaseEntry): number {
  const last = Number.MAX_SAFE_INTEGER;
  return (a.order ?? last) - (b.order ?? last) || (a.hexcode < b.hexcode ? -1 : 1);
}

function packageFolder(name: string): string {
  return dirname(require.resolve(`${name}/package.json`));
}

function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(file, 'utf8')) as T;
}
