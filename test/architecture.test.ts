import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { importsOf, type SourceFile, violations, withoutComments } from './support/architecture-rules.js';

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

  it('are really read: every room has imports that were looked at', async () => {
    const files = await sources();
    for (const room of ['catalog', 'encoder', 'features', 'media', 'services', 'graphql', 'http', 'cli']) {
      const ofRoom = files.filter(({ path }) => path.startsWith(`src/${room}/`));
      const specifiers = ofRoom.flatMap(({ text }) =>
        importsOf(withoutComments(text)).map((found) => found.specifier),
      );
      expect(specifiers.filter((specifier) => specifier.startsWith('../')).length, room).toBeGreaterThan(0);
    }
  });

  it('and their imports are all found, counted in another way', async () => {
    for (const { path, text } of await sources()) {
      if (path.includes('__generated__')) continue;
      const relativeOnes = text
        .split('\n')
        .filter((line) => /^(import|export|\}) .*from '\.\.?\//.test(line)).length;
      const found = importsOf(withoutComments(text)).filter(({ specifier }) =>
        specifier.startsWith('.'),
      ).length;
      expect(found, path).toBeGreaterThanOrEqual(relativeOnes);
    }
  });
});

const check = (path: string, text: string) => violations([{ path, text }]);

describe('imports', () => {
  const importing = (target: string) => `import { x } from '${target}';`;

  it.each([
    ['src/domain/a.ts', '../platform/b.js'],
    ['src/domain/a.ts', '../config.js'],
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
    "const b = require('../catalog/b.js');",
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

describe('the environment', () => {
  const ways = [
    'const a = process.env.HOME;',
    'const a = process?.env;',
    "const a = process['env'].HOME;",
    'const { env } = process;',
    'const { platform, env: e } = process;',
    "import { env } from 'node:process';",
  ];
  it.each(ways)('%s is read in config.ts alone', (text) => {
    for (const path of ['src/platform/a.ts', 'src/features/a.worker.ts', 'src/main.ts', 'src/compose.ts']) {
      expect(check(path, text)).toHaveLength(1);
    }
    expect(check('src/config.ts', text)).toEqual([]);
  });

  it('may be spoken of', () => {
    expect(check('src/main.ts', '// process.env is read in config.ts\nconst a = process.argv;')).toEqual([]);
  });
});

describe('vector SQL', () => {
  it.each(['<=>', '<#>', '<->'])('%s stands in the vector files alone', (operator) => {
    const text = `export const sql = \`SELECT vec ${operator} $1\`;`;
    expect(check('src/catalog/items.ts', text)).toHaveLength(1);
    expect(check('src/services/vector-store.ts', text)).toHaveLength(1);
    expect(check('src/catalog/vector-store.ts', text)).toEqual([]);
    expect(check('src/catalog/items.ts', `// ${operator}\n`)).toEqual([]);
  });
});

describe('names and exports', () => {
  it.each(['export default 1;', 'const a = 1;\nexport { a as default };', 'export default class {}'])(
    'no default export: %s',
    (text) => {
      expect(check('src/media/a.ts', text)).toHaveLength(1);
    },
  );

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

  it('generated files are let be', () => {
    expect(check('src/__generated__/prisma/commonInputTypes.ts', 'export default process.env;')).toEqual([]);
  });
});
