import { circlesOf } from './import-circles.js';
import { readFacts, type SourceFacts, type SourceFile } from './source-facts.js';

const PARTS = ['platform', 'domain'] as const;
const LEAVES = ['catalog', 'encoder', 'features', 'media'] as const;
const BELOW_SERVICES = ['reports', 'evaluation', ...LEAVES, ...PARTS] as const;

/**
 * What each room may import besides itself, from the top down; see docs/architecture.md. A room is a folder or a file
 * below src, and a file belongs to the most specific room that holds it. Whatever may import a folder may import the
 * rooms within it.
 */
const MAY_IMPORT = {
  'main.ts': 'anything',
  'program.ts': 'anything',
  'compose.ts': 'anything',
  'config.ts': ['domain'],
  cli: ['config.ts', 'client', 'demo', 'http', 'services', 'evaluation', ...PARTS],
  client: ['domain'],
  demo: ['services', 'evaluation', ...PARTS],
  http: ['graphql', 'services', ...PARTS],
  graphql: ['services', 'evaluation', 'domain'],
  services: ['services', ...BELOW_SERVICES],
  'services/models.ts': BELOW_SERVICES,
  'services/evaluate': [
    'services/encoders',
    'services/ingest',
    'services/search',
    'services/serving',
    ...BELOW_SERVICES,
  ],
  'services/drift': ['services/search', ...BELOW_SERVICES],
  'services/sweep': ['services/encoders', 'services/ingest', 'services/jobs', ...BELOW_SERVICES],
  'services/checks': ['services/sweep', ...BELOW_SERVICES],
  'services/status': ['services/drift', 'services/encoders', 'services/serving', ...BELOW_SERVICES],
  'services/access': BELOW_SERVICES,
  'services/archive': ['services/ingest', 'services/jobs', ...BELOW_SERVICES],
  'services/backup': ['services/archive', ...BELOW_SERVICES],
  'services/encoders': ['services/ingest', 'services/search', 'services/serving', ...BELOW_SERVICES],
  'services/ingest': ['services/jobs', 'services/serving', ...BELOW_SERVICES],
  'services/search': ['services/jobs', 'services/serving', ...BELOW_SERVICES],
  'services/serving': ['services/jobs', ...BELOW_SERVICES],
  'services/jobs': BELOW_SERVICES,
  reports: ['evaluation', 'encoder/types.ts', ...PARTS],
  evaluation: ['encoder', ...PARTS],
  catalog: ['catalog', ...PARTS],
  'catalog/repositories': [
    'catalog/vectors',
    'catalog/words',
    'catalog/postgres',
    'catalog/types.ts',
    ...PARTS,
  ],
  'catalog/words': ['catalog/vectors', 'catalog/postgres', 'catalog/types.ts', ...PARTS],
  'catalog/vectors': ['catalog/postgres', 'catalog/types.ts', ...PARTS],
  'catalog/postgres': ['catalog/types.ts', ...PARTS],
  'catalog/types.ts': ['domain'],
  encoder: ['encoder', ...PARTS],
  'encoder/baselines': [
    'encoder/training',
    'encoder/network',
    'encoder/inference',
    'encoder/math',
    'encoder/types.ts',
    ...PARTS,
  ],
  'encoder/training': ['encoder/network', 'encoder/inference', 'encoder/math', 'encoder/types.ts', ...PARTS],
  'encoder/network': ['encoder/inference', 'encoder/math', 'encoder/types.ts', ...PARTS],
  'encoder/inference': ['encoder/math', 'encoder/types.ts', ...PARTS],
  'encoder/math': ['domain'],
  'encoder/types.ts': ['domain'],
  features: PARTS,
  media: PARTS,
  platform: ['domain'],
  domain: [],
} as const satisfies Record<string, readonly string[] | 'anything'>;

type Room = keyof typeof MAY_IMPORT;

const isRoom = (path: string): path is Room => Object.hasOwn(MAY_IMPORT, path);

/** Generated code belongs to the room that it is generated for. */
const GENERATED = {
  'resolver-types.ts': 'graphql',
  'client-operations.ts': 'client',
  prisma: 'catalog',
} as const;

const KEBAB_CASE = /^[a-z0-9]+(-[a-z0-9]+)*$/;
const VECTOR_OPERATOR = /<[=#\-+~%]>/;

/** Every way in which the sources break the architecture, one line each; generated files are not looked into. */
export function violations(files: readonly SourceFile[]): string[] {
  const facts = files.filter(({ path }) => !path.startsWith('src/__generated__/')).map(readFacts);
  return [...facts.flatMap(violationsOfFile), ...circleViolations(facts)];
}

function violationsOfFile(file: SourceFacts): string[] {
  const found = [
    ...namingViolations(file.path),
    ...importViolations(file),
    ...environmentViolations(file),
    ...vectorSqlViolations(file),
    ...(file.hasDefaultExport ? ['has a default export'] : []),
  ];
  return found.map((what) => `${file.path}: ${what}`);
}

/** Type imports count too: they compile to nothing, but the files cannot be understood one without the other. */
function circleViolations(facts: readonly SourceFacts[]): string[] {
  const targets = ({ imports }: SourceFacts) => imports.flatMap(({ target }) => (target ? [target] : []));
  const graph = new Map(facts.map((file) => [file.path, targets(file)]));
  return circlesOf(graph).map((circle) => `${circle[0]}: is in a circle with ${circle.slice(1).join(', ')}`);
}

function namingViolations(path: string): string[] {
  const names = path
    .replace(/^src\//, '')
    .replace(/(\.worker)?\.ts$/, '')
    .split('/');
  return names.filter((name) => !KEBAB_CASE.test(name)).map((name) => `"${name}" is not kebab-case`);
}

function importViolations({ path, imports }: SourceFacts): string[] {
  const room = roomOf(path);
  if (room === null) return ['is in no known room'];
  return imports.flatMap(({ target, typeOnly }) => {
    if (target === null) return [];
    const generated = /^src\/__generated__\/([^/]+)/.exec(target)?.[1];
    if (generated !== undefined) return generatedViolations(room, generated, typeOnly);
    if (!target.startsWith('src/')) return [`imports ${target}, which is outside of src`];
    return mayImport(room, target) ? [] : [`${room} must not import ${target}`];
  });
}

function mayImport(room: Room, target: string): boolean {
  const other = roomOf(target);
  if (other === null) return false;
  const allowed: readonly string[] | 'anything' = MAY_IMPORT[room];
  return other === room || allowed === 'anything' || roomsAround(target).some((at) => allowed.includes(at));
}

function generatedViolations(room: Room, generated: string, typeOnly: boolean): string[] {
  const owner = Object.entries(GENERATED).find(([name]) => name === generated)?.[1];
  if (owner !== room.split('/')[0]) return [`${room} must not import __generated__/${generated}`];
  // The client is code; of the resolver types nothing is left once compiled.
  return room === 'graphql' && !typeOnly ? [`imports __generated__/${generated} not as types alone`] : [];
}

function roomOf(path: string): Room | null {
  return roomsAround(path)[0] ?? null;
}

/** The rooms that hold a file, the most specific first. */
function roomsAround(path: string): Room[] {
  const parts = path.replace(/^src\//, '').split('/');
  return parts.map((_, dropped) => parts.slice(0, parts.length - dropped).join('/')).filter(isRoom);
}

function environmentViolations({ path, readsEnvironment }: SourceFacts): string[] {
  return readsEnvironment && path !== 'src/config.ts'
    ? ['reads process.env, which only src/config.ts may']
    : [];
}

function vectorSqlViolations({ path, strings }: SourceFacts): string[] {
  if (path.startsWith('src/catalog/vectors/')) return [];
  const operator = strings.map((text) => VECTOR_OPERATOR.exec(text)?.[0]).find((found) => found);
  return operator ? [`has the vector operator ${operator}, which only src/catalog/vectors may`] : [];
}
