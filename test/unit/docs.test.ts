import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path/posix';
import { fileURLToPath } from 'node:url';
import { buildSchema, parse, validate } from 'graphql';
import { expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const filesBelow = (folder: string, ending: RegExp) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name.replaceAll('\\', '/')))
    .filter((path) => ending.test(path) && !path.includes('__generated__'));

const DOCUMENTS = ['README.md', 'CONTRIBUTING.md', 'deploy/README.md', ...filesBelow('docs', /\.md$/)];
const CODE = ['src', 'test', 'bench', 'scripts', 'migrations'].flatMap((folder) =>
  filesBelow(folder, /\.(ts|mjs|sh|sql|html)$/),
);
const FLAGS = filesBelow('src/cli', /\.ts$/).map(read).join('\n');

/** Whether a path of the project exists; a `*` stands for any part of a name. */
function exists(path: string): boolean {
  if (!path.includes('*')) return existsSync(join(ROOT, path));
  const name = new RegExp(`^${path.replace(/[.]/g, '\\.').replaceAll('*', '[^/]*')}$`);
  return filesBelow(path.split('/')[0] ?? '', /./).some((file) => name.test(file));
}

/** GitHub's anchors: lower case, words joined by hyphens, other signs dropped. */
function anchorsOf(document: string): string[] {
  return [...read(document).matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\- ]/gu, '')
      .replaceAll(' ', '-'),
  );
}

it.each(DOCUMENTS)('%s: every link leads to a file and a heading that exist', (document) => {
  const links = [...read(document).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)];
  const dead = links.filter(([, path = '', anchor]) => {
    const target = path === '' ? document : join(dirname(document), path);
    return !exists(target) || (anchor !== undefined && !anchorsOf(target).includes(anchor));
  });
  expect(dead.map(([link]) => link)).toEqual([]);
});

it.each(DOCUMENTS)('%s: every path of the project that is named exists', (document) => {
  const paths = [
    ...read(document).matchAll(
      /(?<![\w/.-])(?:src|test|bench|docs|scripts|migrations|prisma|\.ci)\/[\w./*-]+/g,
    ),
  ]
    .map(([path]) => path.replace(/[./]+$/, ''))
    // Placeholders of folders to come: NNNN, NAME.
    .filter((path) => !/[A-Z]{4}/.test(path) && path !== 'bench/results');
  expect(paths.filter((path) => !exists(path))).toEqual([]);
});

it.each(DOCUMENTS)('%s: every npm script and command that is named exists', (document) => {
  const text = read(document);
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const npm = [...text.matchAll(/npm run ([a-z:-]+)/g)].map(([, name = '']) => name);
  expect(npm.filter((name) => scripts[name] === undefined)).toEqual([]);
  const commands = [...text.matchAll(/commonspace ([a-z]+)(?=[ `\n])/g)].map(([, name = '']) => name);
  expect(commands.filter((name) => !existsSync(join(ROOT, `src/cli/${name}.ts`)))).toEqual([]);
});

it.each([
  'README.md',
  'docs/cli.md',
  'docs/demo.md',
  'docs/operations.md',
  'docs/training.md',
  'docs/evaluation.md',
])('%s: every flag of a command that is named exists', (document) => {
  const flags = [...read(document).matchAll(/(?<=[`\s(])--([a-z]+(?:-[a-z]+)*)/g)].map(
    ([, flag = '']) => flag,
  );
  // --help is the command line library's own.
  expect(flags.filter((flag) => flag !== 'help' && !new RegExp(`--${flag}\\b`).test(FLAGS))).toEqual([]);
});

it('has only GraphQL operations that the schema allows', () => {
  const schema = buildSchema(read('schema.graphql'));
  const operations = DOCUMENTS.flatMap((document) =>
    [...read(document).matchAll(/^```graphql\n([^`]+)```/gm)].map(([, text = '']) => text),
  );
  expect(operations.length).toBeGreaterThan(4);
  expect(operations.flatMap((text) => validate(schema, parse(text)).map(({ message }) => message))).toEqual(
    [],
  );
});

it.each(['docs/operations.md', '.env.example'])(
  '%s lists the settings that are read, and no other',
  (document) => {
    const settings = (text: string) =>
      new Set([...text.matchAll(/\b(?:DATABASE_URL|COMMONSPACE_[A-Z_]+)\b/g)].map(([name]) => name));
    expect([...settings(read(document))].sort()).toEqual([...settings(read('src/config.ts'))].sort());
  },
);

it('code names only documents that exist', () => {
  const dead = CODE.flatMap((path) =>
    [...read(path).matchAll(/(?<![\w/.])docs\/[\w./-]+\.(?:md|svg)/g)]
      .filter(([document]) => !exists(document))
      .map(([document]) => `${path}: ${document}`),
  );
  expect(dead).toEqual([]);
});

it('has decision records of one page', () => {
  const long = filesBelow('docs/decisions', /\.md$/).filter((path) => read(path).split('\n').length > 60);
  expect(long).toEqual([]);
});
