import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { violations } from './support/architecture-rules.js';
import { circlesOf } from './support/import-circles.js';
import { readFacts, type SourceFile } from './support/source-facts.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

async function sources(): Promise<SourceFile[]> {
  const entries = await readdir(join(ROOT, 'src'), { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(
    paths.map(async (path) => ({
      path: relative(ROOT, path).split(sep).join('/'),
      text: await readFile(path, 'utf8'),
    })),
  );
}

describe('the sources', () => {
  it('keep to the architecture', async () => {
    const files = await sources();
    expect(files.length).toBeGreaterThan(50);
    expect(violations(files)).toEqual([]);
  });

  it.each([
    'cli',
    'http',
    'graphql',
    'services/evaluate',
    'services/encoders',
    'services/ingest',
    'services/search',
    'services/serving',
    'reports',
    'evaluation',
    'catalog/repositories',
    'catalog/vectors',
    'catalog/words',
    'encoder/training',
    'encoder/baselines',
    'features',
    'media',
  ])('of %s are read: they have imports from other rooms', async (room) => {
    const files = await sources();
    const ofRoom = files.filter(({ path }) => path.startsWith(`src/${room}/`));
    const outside = ofRoom
      .flatMap((file) => readFacts(file).imports)
      .filter(({ target }) => target && !target.startsWith(`src/${room}/`));
    expect(outside.length).toBeGreaterThan(0);
  });

  it('have no more relative imports than the syntax tree has', async () => {
    for (const { path, text } of await sources()) {
      if (path.includes('__generated__')) continue;
      const lines = text.split('\n').filter((line) => /^(import|export|\}) .*from '\.\.?\//.test(line));
      const read = readFacts({ path, text }).imports.filter(({ target }) => target);
      expect(read.length, path).toBeGreaterThanOrEqual(lines.length);
    }
  });
});

const check = (path: string, text: string) => violations([{ path, text }]);

describe('imports', () => {
  const importing = (target: string) => `import { x } from '${target}';`;

  it.each([
    ['src/domain/a.ts', '../platform/b.js'],
    ['src/domain/a.ts', '../config.js'],
    ['src/evaluation/a.ts', '../catalog/types.js'],
    ['src/evaluation/space/a.ts', '../../services/serving/b.js'],
    ['src/evaluation/a.ts', '../reports/b.js'],
    ['src/reports/a.ts', '../catalog/types.js'],
    ['src/reports/a.ts', '../encoder/training/b.js'],
    ['src/services/search/a.ts', '../ingest/b.js'],
    ['src/services/ingest/a.ts', '../search/b.js'],
    ['src/services/ingest/a.ts', '../encoders/b.js'],
    ['src/services/serving/a.ts', '../search/b.js'],
    ['src/services/encoders/a.ts', '../evaluate/b.js'],
    ['src/services/evaluate/a.ts', '../services.js'],
    ['src/services/evaluate/bundle/a.ts', '../../models.js'],
    ['src/services/models.ts', './search/b.js'],
    ['src/catalog/repositories/a.ts', '../catalog.js'],
    ['src/catalog/vectors/a.ts', '../repositories/b.js'],
    ['src/catalog/vectors/a.ts', '../words/b.js'],
    ['src/catalog/words/a.ts', '../repositories/b.js'],
    ['src/catalog/postgres/a.ts', '../vectors/b.js'],
    ['src/catalog/types.ts', './postgres/b.js'],
    ['src/encoder/training/a.ts', '../baselines/b.js'],
    ['src/encoder/network/a.ts', '../training/b.js'],
    ['src/encoder/inference/a.ts', '../network/b.js'],
    ['src/encoder/math/a.ts', '../inference/b.js'],
    ['src/encoder/math/a.ts', '../types.js'],
    ['src/encoder/types.ts', './math/b.js'],
    ['src/platform/a.ts', '../media/b.js'],
    ['src/catalog/a.ts', '../media/b.js'],
    ['src/encoder/a.ts', '../features/b.js'],
    ['src/features/image/a.ts', '../../encoder/b.js'],
    ['src/media/a.ts', '../catalog/b.js'],
    ['src/media/a.ts', '../services/b.js'],
    ['src/services/a.ts', '../graphql/b.js'],
    ['src/services/a.ts', '../config.js'],
    ['src/graphql/a.ts', '../catalog/b.js'],
    ['src/graphql/resolvers/a.ts', '../../http/b.js'],
    ['src/http/a.ts', '../catalog/b.js'],
    ['src/http/a.ts', '../cli/b.js'],
    ['src/demo/a.ts', '../media/b.js'],
    ['src/cli/a.ts', '../graphql/b.js'],
    ['src/cli/a.ts', '../catalog/b.js'],
    ['src/config.ts', './services/b.js'],
    ['src/media/a.ts', '../compose.js'],
    ['src/media/a.ts', '../../test/b.js'],
    ['src/media/a.ts', '../nowhere/b.js'],
    ['src/services/a.ts', '../__generated__/prisma/client.js'],
    ['src/services/a.ts', '../__generated__/resolver-types.js'],
    ['src/catalog/a.ts', '../__generated__/resolver-types.js'],
    ['src/graphql/a.ts', '../__generated__/resolver-types.js'],
  ])('%s must not import %s', (path, target) => {
    expect(check(path, importing(target))).toHaveLength(1);
  });

  it.each([
    ['src/domain/a.ts', './b.js'],
    ['src/services/services.ts', './evaluate/b.js'],
    ['src/services/services.ts', './models.js'],
    ['src/services/evaluate/a.ts', '../encoders/b.js'],
    ['src/services/evaluate/bundle/a.ts', '../b.js'],
    ['src/services/evaluate/a.ts', '../../reports/b.js'],
    ['src/services/encoders/a.ts', '../ingest/b.js'],
    ['src/services/search/a.ts', '../serving/b.js'],
    ['src/services/serving/a.ts', '../../evaluation/b.js'],
    ['src/reports/report/a.ts', '../../evaluation/b.js'],
    ['src/reports/a.ts', '../encoder/types.js'],
    ['src/evaluation/a.ts', '../encoder/baselines/b.js'],
    ['src/catalog/catalog.ts', './repositories/b.js'],
    ['src/catalog/repositories/a.ts', '../vectors/b.js'],
    ['src/catalog/repositories/a.ts', '../words/b.js'],
    ['src/catalog/vectors/a.ts', '../postgres/b.js'],
    ['src/catalog/words/a.ts', '../vectors/b.js'],
    ['src/catalog/postgres/a.ts', '../types.js'],
    ['src/encoder/baselines/a.ts', '../training/b.js'],
    ['src/encoder/training/a.ts', '../network/b.js'],
    ['src/encoder/network/a.ts', '../inference/b.js'],
    ['src/encoder/inference/a.ts', '../math/b.js'],
    ['src/platform/a.ts', '../domain/b.js'],
    ['src/catalog/a.ts', '../platform/b.js'],
    ['src/features/image/a.ts', '../types.js'],
    ['src/media/a.ts', 'sharp'],
    ['src/media/a.ts', 'node:fs'],
    ['src/services/a.ts', '../media/b.js'],
    ['src/graphql/resolvers/a.ts', '../../services/b.js'],
    ['src/http/a.ts', '../graphql/b.js'],
    ['src/demo/a.ts', '../services/b.js'],
    ['src/cli/a.ts', '../config.js'],
    ['src/config.ts', './domain/b.js'],
    ['src/main.ts', './catalog/b.js'],
    ['src/compose.ts', './media/b.js'],
    ['src/catalog/a.ts', '../__generated__/prisma/client.js'],
  ])('%s may import %s', (path, target) => {
    expect(check(path, importing(target))).toEqual([]);
  });

  it('may be of generated types alone in graphql', () => {
    expect(check('src/graphql/a.ts', "import type { X } from '../__generated__/resolver-types.js';")).toEqual(
      [],
    );
  });

  it.each([
    "import type { X } from '../catalog/b.js';",
    "import {\n  x,\n  type Y,\n} from '../catalog/b.js';",
    'import * as b from "../catalog/b.js";',
    "import '../catalog/b.js';",
    "export { x } from '../catalog/b.js';",
    "export * from '../catalog/b.js';",
    "export type { X } from '../catalog/b.js';",
    "const b = await import('../catalog/b.js');",
    "type X = import('../catalog/b.js').X;",
    'const b = await import(`../catalog/b.js`);',
    "const b = require('../catalog/b.js');",
    "import b = require('../catalog/b.js');",
    "export type { X } from '../catalog/b.js';",
    "export * as b from '../catalog/b.js';",
    "type X = typeof import('../catalog/b.js');",
    "const a = 'http://x'; import('../catalog/b.js');",
    "import { a } from '../domain/a.js';import { b } from '../catalog/b.js'",
  ])('are seen as %j', (text) => {
    expect(check('src/media/a.ts', text)).toEqual(['src/media/a.ts: media must not import src/catalog/b.ts']);
  });

  it('in comments are none', () => {
    const text = "// import x from '../catalog/b.js'\n/* import('../catalog/b.js') */\nexport const a = 1;";
    expect(check('src/media/a.ts', text)).toEqual([]);
  });
});

describe('circles of files', () => {
  const circle = (there: string, back: string) =>
    violations([
      { path: 'src/media/a.ts', text: there },
      { path: 'src/media/b.ts', text: back },
    ]);

  it.each([
    ["import { b } from './b.js'; export const a = b;", "import { a } from './a.js'; export const b = a;"],
    [
      "import type { B } from './b.js'; export type A = B;",
      "import type { A } from './a.js'; export type B = A[];",
    ],
    [
      "import { type B } from './b.js'; export type A = B;",
      "import { a } from './a.js'; export type B = typeof a;",
    ],
    ["export type { B } from './b.js';", "export * from './a.js';"],
    ["export const a = () => import('./b.js');", "type A = import('./a.js').A;"],
  ])('are found: %s', (there, back) => {
    expect(circle(there, back)).toEqual(['src/media/a.ts: is in a circle with src/media/b.ts']);
  });

  it('are none where the imports run one way, or a file imports itself', () => {
    expect(circle("import { b } from './b.js';", 'export const b = 1;')).toEqual([]);
    expect(
      circle("import { b } from './b.js';", "import type { B } from './b.js'; export type B = 1;"),
    ).toEqual([]);
  });

  it('are found however long, each once, and apart from what only leads to them', () => {
    const graph = {
      start: ['a', 'x'],
      a: ['b', 'end'],
      b: ['c'],
      c: ['a', 'd'],
      d: ['c'],
      x: ['y'],
      y: ['x', 'end'],
      end: ['package'],
    };
    expect(circlesOf(new Map(Object.entries(graph)))).toEqual([
      ['a', 'b', 'c', 'd'],
      ['x', 'y'],
    ]);
  });

  it('are not confused by a second way into a component that is done', () => {
    expect(circlesOf(new Map(Object.entries({ a: ['b', 'c'], b: ['d'], c: ['d', 'b'], d: [] })))).toEqual([]);
  });
});

it('a file that is not TypeScript is reported, not skipped', () => {
  expect(() => check('src/media/a.ts', 'import { from;')).toThrow('src/media/a.ts');
});

describe('the environment', () => {
  const ways = [
    'const a = process.env.HOME;',
    'const a = process?.env;',
    "const a = process['env'].HOME;",
    'const { env } = process;',
    'const { platform, env: e } = process;',
    "import { env } from 'node:process';",
    "import { env as e } from 'process';",
    'const a = globalThis.process.env;',
    'const a = process[`env`];',
  ];
  it.each(ways)('%s is read in config.ts alone', (text) => {
    for (const path of ['src/platform/a.ts', 'src/features/a.worker.ts', 'src/main.ts', 'src/compose.ts']) {
      expect(check(path, text)).toHaveLength(1);
    }
    expect(check('src/config.ts', text)).toEqual([]);
  });

  it('may be spoken of', () => {
    const text = "// process.env is read in config.ts\nconst a = [process.argv, 'process.env'];";
    expect(check('src/main.ts', text)).toEqual([]);
  });
});

describe('vector SQL', () => {
  it.each(['<=>', '<#>', '<->', '<+>', '<~>', '<%>'])('%s stands in the vector files alone', (operator) => {
    const text = `export const sql = \`SELECT vec ${operator} \${x}\`;`;
    expect(check('src/catalog/repositories/items.ts', text)).toHaveLength(1);
    expect(check('src/services/search/vector-store.ts', text)).toHaveLength(1);
    expect(check('src/catalog/repositories/items.ts', `const sql = 'vec ${operator} 1';`)).toHaveLength(1);
    expect(check('src/catalog/vectors/vector-store.ts', text)).toEqual([]);
    expect(check('src/catalog/repositories/items.ts', `// ${operator}\n`)).toEqual([]);
  });
});

describe('names and exports', () => {
  it.each([
    'export default 1;',
    'const a = 1;\nexport { a as default };',
    'export default class {}',
    "export { default } from 'x';",
  ])('no default export: %s', (text) => {
    expect(check('src/media/a.ts', text)).toHaveLength(1);
  });

  it.each(['src/media/mediaStore.ts', 'src/media/media_store.ts', 'src/media/Store.ts', 'src/media/a.b.ts'])(
    '%s is not kebab-case',
    (path) => {
      expect(check(path, '')).toHaveLength(1);
    },
  );

  it('folders are kebab-case too, workers may say so, and every file is in a room', () => {
    expect(check('src/media/SvgParts/a.ts', '')).toHaveLength(1);
    expect(check('src/media/a-b.worker.ts', '')).toEqual([]);
    expect(check('src/helpers/a.ts', '')).toEqual(['src/helpers/a.ts: is in no known room']);
    expect(check('src/other.ts', '')).toHaveLength(1);
  });

  it('does not check generated files', () => {
    expect(check('src/__generated__/prisma/commonInputTypes.ts', 'export default process.env;')).toEqual([]);
  });
});
