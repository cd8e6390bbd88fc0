import { copyFileSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path/posix';
import { expect, it } from 'vitest';
import { readConfig } from '../../src/config.js';
import {
  check,
  DEPLOY,
  deployDocuments,
  deployFiles,
  deployText,
  deployYaml,
  isInstalled,
  ROOT,
  readEnvFile,
} from '../support/deploy-files.js';
import { unknownFields } from '../support/unknown-fields.js';

const require = createRequire(import.meta.url);

type Labels = Readonly<Record<string, string>>;

interface Container {
  readonly name: string;
  readonly args: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value: string }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly securityContext: object;
  readonly resources: { readonly limits: object; readonly requests: object };
  readonly volumeMounts: readonly { readonly name: string }[];
  readonly [probe: `${string}Probe`]: { readonly httpGet: { readonly path: string; readonly port: string } };
}

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: {
    readonly selector?: Labels & { readonly matchLabels?: Labels };
    readonly template?: {
      readonly metadata: { readonly labels: Labels };
      readonly spec: {
        readonly securityContext: object;
        readonly automountServiceAccountToken: boolean;
        readonly volumes: readonly { readonly name: string }[];
        readonly containers: readonly Container[];
      };
    };
  };
}

interface Kustomization {
  readonly resources: readonly string[];
  readonly images: readonly { readonly name: string; readonly newTag: string }[];
}

/** A compiled schema. It accepts fields that it does not know. */
interface Schema {
  validate: {
    (manifest: object): boolean;
    errors?:
      | readonly { readonly instancePath: string; readonly message?: string; readonly params: object }[]
      | null;
  };
}

const FILES = deployFiles(/^kubernetes\/.*\.yaml$/).filter((path) => !path.endsWith('kustomization.yaml'));
const MANIFESTS = FILES.flatMap((path) => deployDocuments<Manifest>(path));
const PODS = MANIFESTS.flatMap(({ kind, metadata, spec }) =>
  spec?.template === undefined ? [] : [{ name: `${kind} ${metadata.name}`, ...spec.template }],
);
const KUSTOMIZATION = deployYaml<Kustomization>('kubernetes/kustomization.yaml');

/** The schema of a kind, whose file has the second name of its class: IoK8sApiAppsV1Deployment. */
function schemaOf({ apiVersion, kind }: Manifest): Schema['validate'] {
  const models = require(`kubernetes-models/${apiVersion}`) as Record<string, unknown>;
  const name = Object.keys(models).find((key) => key !== kind && models[key] === models[kind]);
  if (name === undefined) throw new Error(`${apiVersion} has no ${kind}`);
  // By its path, because the package does not export it.
  const folder = dirname(require.resolve('kubernetes-models/package.json'));
  return (require(join(folder, `_schemas/${name}.js`)) as Schema).validate;
}

/** @returns the faults by the schema, or the fields that the schema does not have */
function faultsOf(manifest: Manifest): string[] {
  const validate = schemaOf(manifest);
  const unknown = unknownFields(manifest, validate);
  if (validate.errors == null) return unknown.map((path) => `${path} is unknown`);
  return validate.errors.map(({ instancePath, params }) => `${instancePath} ${JSON.stringify(params)}`);
}

it.each(MANIFESTS.map((manifest) => [`${manifest.kind} ${manifest.metadata.name}`, manifest] as const))(
  '%s fits the schema of Kubernetes',
  (_name, manifest) => {
    expect(faultsOf(manifest)).toEqual([]);
  },
);

it('finds faults', () => {
  const [server] = MANIFESTS.filter(({ kind }) => kind === 'Deployment');
  if (server?.spec?.template === undefined) throw new Error('no deployment');
  expect(faultsOf({ ...server, spec: { ...server.spec, replica: 2 } as never })).toEqual([
    'spec.replica is unknown',
  ]);
  expect(faultsOf({ ...server, spec: { selector: {} } })).toEqual(['/spec {"missingProperty":"template"}']);
  const [container] = server.spec.template.spec.containers;
  const spec = { ...server.spec.template.spec, containers: [{ ...container, livenessprobe: {} }] };
  expect(
    faultsOf({ ...server, spec: { ...server.spec, template: { ...server.spec.template, spec } } as never }),
  ).toEqual(['spec.template.spec.containers.0.livenessprobe is unknown']);
});

it('has pods without rights that they do not need', () => {
  expect(PODS.map(({ name }) => name)).toEqual(['Job migrate', 'Deployment server', 'Deployment worker']);
  for (const { name, spec } of PODS) {
    expect(spec.securityContext, name).toMatchObject({ runAsNonRoot: true, runAsUser: 1000 });
    expect(spec.automountServiceAccountToken, name).toBe(false);
    for (const container of spec.containers) {
      expect(container.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      expect(container.resources).toMatchObject({
        limits: { memory: expect.any(String) },
        requests: { cpu: expect.any(String), memory: expect.any(String) },
      });
      expect(container.volumeMounts.map(({ name }) => name)).toEqual(spec.volumes.map(({ name }) => name));
    }
  }
});

it('has selectors that choose the pods of their name', () => {
  const chosen = MANIFESTS.flatMap(({ kind, metadata, spec }) => {
    const labels = kind === 'Service' ? spec?.selector : spec?.selector?.matchLabels;
    if (labels === undefined) return [];
    const pods = PODS.filter(({ metadata: pod }) =>
      Object.entries(labels as Labels).every(([key, value]) => pod.labels[key] === value),
    );
    return [`${kind} ${metadata.name}: ${pods.map(({ name }) => name).join(', ')}`];
  });
  expect(chosen.sort()).toEqual([
    'Deployment server: Deployment server',
    'Deployment worker: Deployment worker',
    'PodDisruptionBudget server: Deployment server',
    'Service server: Deployment server',
  ]);
});

it('runs commands that exist, and probes routes that need no key', () => {
  const containers = PODS.flatMap(({ spec }) => spec.containers);
  expect(containers.map(({ args }) => args)).toEqual([
    ['node', 'dist/main.js', 'migrate'],
    ['node', 'dist/main.js', 'serve'],
    ['node', 'dist/main.js', 'worker'],
  ]);
  const server = containers[1];
  expect(server?.ports).toEqual([{ name: 'http', containerPort: 4000 }]);
  expect(server?.startupProbe?.httpGet).toEqual({ path: '/healthz', port: 'http' });
  expect(server?.livenessProbe?.httpGet).toEqual({ path: '/healthz', port: 'http' });
  expect(server?.readinessProbe?.httpGet).toEqual({ path: '/readyz', port: 'http' });
});

it('has settings that the server reads, and secrets that it refuses until they are filled in', () => {
  const settings = readEnvFile(deployText('kubernetes/settings.env'));
  const example = readEnvFile(deployText('kubernetes/secrets.env.example'));
  const ofPods = PODS.flatMap(({ spec }) => spec.containers.flatMap(({ env = [] }) => env));
  const text = deployText('../src/config.ts');
  const names = [...Object.keys({ ...settings, ...example }), ...ofPods.map(({ name }) => name)];
  expect(names.filter((name) => !new RegExp(`^  ${name}:`, 'm').test(text))).toEqual([]);

  expect(() => readConfig({}, { ...settings, ...example })).toThrow(/DATABASE_URL.*COMMONSPACE_API_KEYS/);
  const filled = {
    ...example,
    DATABASE_URL: 'postgresql://database.example/commonspace',
    COMMONSPACE_API_KEYS: '0123456789abcdef',
  };
  const { media, jobs } = readConfig(
    {},
    {
      ...settings,
      ...filled,
      ...Object.fromEntries(ofPods.map(({ name, value }) => [name, value])),
    },
  );
  expect(media).toMatchObject({ bucket: 'pictures', endpoint: 'https://s3.example' });
  expect(jobs).toBe(0);
});

it('is complete: each file is listed, or an example', () => {
  const listed = KUSTOMIZATION.resources.map((name) => `kubernetes/${name}`);
  expect([...listed, 'kubernetes/ingress.yaml'].sort()).toEqual(FILES);
  const { version } = JSON.parse(deployText('../package.json')) as { version: string };
  expect(KUSTOMIZATION.images).toEqual([
    { name: 'commonspace', newName: 'registry.example/commonspace', newTag: version },
  ]);
});

it.runIf(isInstalled('kubectl', 'version', '--client'))('is what kustomize reads', () => {
  const folder = mkdtempSync(join(tmpdir(), 'commonspace-kustomize-'));
  try {
    cpSync(join(DEPLOY, 'kubernetes'), folder, { recursive: true });
    copyFileSync(join(folder, 'secrets.env.example'), join(folder, 'secrets.env'));
    expect(check('kubectl', ['kustomize', folder], { cwd: ROOT })).toEqual({ status: 0, output: '' });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
