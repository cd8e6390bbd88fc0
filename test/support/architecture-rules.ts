import { dirname, join, normalize } from 'node:path/posix';

/** A source file by its path below the project, e.g. `src/media/decode.ts`. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

type Room = keyof typeof MAY_IMPORT;

const PARTS = ['domain', 'platform'] as const;
const LEAVES = ['catalog', 'encoder', 'features', 'media'] as const;

/** What each room may import besides itself; see docs/architecture.md. A file of `src/` itself is a room of its own. */
const MAY_IMPORT = {
  domain: [],
  platform: ['domain'],
  catalog: PARTS,
  encoder: PARTS,
  features: PARTS,
  media: PARTS,
  services: [...LEAVES, ...PARTS],
  graphql: ['services', 'domain'],
  http: ['graphql', 'services', ...PARTS],
  demo: ['services', 'domain'],
  cli: ['services', 'http', 'demo', ...PARTS, 'config.ts'],
  'config.ts': ['domain'],
  'main.ts': 'anything',
  'compose.ts': 'anything',
} as const satisfies Record<string, readonly string[] | 'anything'>;

/** Generated code belongs to the room that it was generated for. */
const GENERATED = { 'resolver-types.ts': 'graphql', prisma: 'catalog' } as const;

const KEBAB_CASE = /^[a-z0-9]+(-[a-z0-9]+)*$/;

/** Every way in which the sources break the architecture, one line each; generated files are not looked into. */
export function violations(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ path }) => !path.startsWith('src/__generated__/'))
    .flatMap(({ path, text }) => {
      const code = withoutComments(text);
      return [
        ...namingViolations(path),
        ...importViolations(path, code),
        ...environmentViolations(path, code),
        ...vectorSqlViolations(path, code),
        ...defaultExportViolations(code),
      ].map((what) => `${path}: ${what}`);
    });
}

interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
}

/** Static, side-effect, re-exporting and dynamic imports, in code without comments. */
export function importsOf(code: string): Import[] {
  const from = /\b(?:import|export)\b(\s+type\b)?[^;'"`()=]*?\bfrom\s*(['"])([^'"]+)\2/g;
  const others = /\b(?:import\s*\(?|require\s*\()\s*(['"`])([^'"`]+)\1/g;
  return [
    ...[...code.matchAll(from)].map((match) => ({
      specifier: match[3] ?? '',
      typeOnly: match[1] !== undefined,
    })),
    ...[...code.matchAll(others)].map((match) => ({ specifier: match[2] ?? '', typeOnly: false })),
  ];
}

function namingViolations(path: string): string[] {
  const names = path
    .replace(/^src\//, '')
    .replace(/(\.worker)?\.ts$/, '')
    .split('/');
  return names.filter((name) => !KEBAB_CASE.test(name)).map((name) => `"${name}" is not kebab-case`);
}

function importViolations(path: string, code: string): string[] {
  const room = roomOf(path);
  if (room === null) return ['is in no known room'];
  const allowed: readonly string[] | 'anything' = MAY_IMPORT[room];
  return importsOf(code)
    .filter(({ specifier }) => specifier.startsWith('.'))
    .flatMap(({ specifier, typeOnly }) => {
      const target = normalize(join(dirname(path), specifier)).replace(/\.js$/, '.ts');
      const generated = /^src\/__generated__\/([^/]+)/.exec(target)?.[1];
      if (generated !== undefined) return generatedViolations(room, generated, typeOnly);
      if (!target.startsWith('src/')) return [`imports ${target}, which is outside of src`];
      const other = roomOf(target);
      if (other === room || (other !== null && (allowed === 'anything' || allowed.includes(other))))
        return [];
      return [`${room} must not import ${target}`];
    });
}

function generatedViolations(room: Room, generated: string, typeOnly: boolean): string[] {
  const owner = Object.entries(GENERATED).find(([name]) => name === generated)?.[1];
  if (owner !== room) return [`${room} must not import __generated__/${generated}`];
  // The client is code; of the resolver types nothing is left once compiled.
  return room === 'graphql' && !typeOnly ? [`imports __generated__/${generated} not as types alone`] : [];
}

function roomOf(path: string): Room | null {
  const room = path.split('/')[1] ?? '';
  return Object.hasOwn(MAY_IMPORT, room) ? (room as Room) : null;
}

function environmentViolations(path: string, code: string): string[] {
  if (path === 'src/config.ts') return [];
  const ways = [
    /\bprocess\s*(\?\.|\.)\s*env\b/,
    /\bprocess\s*(\?\.)?\[\s*['"`]env/,
    /\benv\b[^=;]*\}\s*=\s*process\b/,
    /\bimport\s*\{[^}]*\benv\b[^}]*\}\s*from\s*['"](node:)?process['"]/,
  ];
  return ways.some((way) => way.test(code)) ? ['reads process.env, which only src/config.ts may'] : [];
}

function vectorSqlViolations(path: string, code: string): string[] {
  if (/^src\/catalog\/vector-[a-z-]+\.ts$/.test(path)) return [];
  const operator = /<=>|<#>|<->/.exec(code)?.[0];
  return operator ? [`has the vector operator ${operator}, which only src/catalog/vector-*.ts may`] : [];
}

function defaultExportViolations(code: string): string[] {
  return /\bexport\s+default\b|\bexport\s*\{[^}]*\bas\s+default\b/.test(code) ? ['has a default export'] : [];
}

/** The code with comments blanked out; strings stay, so that a `//` within one is not taken for a comment. */
export function withoutComments(text: string): string {
  const token = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g;
  return text.replace(token, (found) => (found.startsWith('/*') || found.startsWith('//') ? ' ' : found));
}
