import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { en } from '../../web/src/messages/en.js';
import { zh } from '../../web/src/messages/zh.js';

const ROOT = new URL('../../web/src', import.meta.url).pathname;
/** Attributes that people read or hear. The linter refuses words between tags. */
const READ = [
  'alt',
  'aria-label',
  'aria-description',
  'aria-roledescription',
  'label',
  'placeholder',
  'title',
];

const sources = readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.tsx?$/.test(path) && !path.startsWith('messages/') && !path.includes('__generated__'))
  .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));

type Node = string | ((...values: never[]) => string) | { readonly [key: string]: Node };

function leaves(node: Node, path: readonly string[] = []): string[][] {
  if (typeof node !== 'object') return [[...path]];
  return Object.entries(node).flatMap(([key, value]) => leaves(value, [...path, key]));
}

it('says nothing to people that is not a message', () => {
  const words = new RegExp(
    `\\s(${READ.join('|')})=(?:"([^"]*[^"\\s][^"]*)"|\\{(['"\`])[^}]*[A-Za-z]{2}[^}$]*\\3\\})`,
    'g',
  );
  const found = sources.flatMap(({ path, text }) =>
    [...text.matchAll(words)].map(([match]) => `${path}:${match}`),
  );
  expect(found).toEqual([]);
});

it('reaches data through the client only', () => {
  const outside = sources.flatMap(({ path, text }) =>
    [...text.matchAll(/from '((?:\.\.\/)+(?:src|test|scripts)\/[^']*)'/g)].flatMap(([, from = '']) =>
      /^(\.\.\/)+src\/client\/[\w-]+\.js$/.test(from) ? [] : `${path}: ${from}`,
    ),
  );
  expect(outside).toEqual([]);
});

it('uses each message', () => {
  const all = sources.map(({ text }) => text.replace(/\s*\.\s*/g, '.')).join('\n');
  const unused = leaves(en).filter((path) => {
    const [parent = '', key = ''] = path.slice(-2);
    // A text is named with its group, or picked from it by a computed key.
    return key !== 'locale' && path.length > 1 && !new RegExp(`\\b${parent}(\\.${key}\\b|\\[)`).test(all);
  });
  expect(unused.map((path) => path.join('.'))).toEqual([]);
});

it('has a Chinese text where there is an English one, and not the same one', () => {
  const texts = (messages: Node) =>
    leaves(messages).map((path) => {
      const value = path.reduce<Node>(
        (node, key) => (node as { readonly [key: string]: Node })[key] ?? '',
        messages,
      );
      return [path.join('.'), typeof value === 'string' ? value : String(value)] as const;
    });
  const chinese = new Map(texts(zh));
  expect([...chinese.keys()]).toEqual(texts(en).map(([path]) => path));
  const same = texts(en).filter(
    ([path, text]) =>
      !/^language\.|^nav\.api$|^locale$|^encoders\.(metrics|methods|difference)\b/.test(path) &&
      chinese.get(path) === text,
  );
  expect(same).toEqual([]);
});
