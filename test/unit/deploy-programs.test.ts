import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path/posix';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { check, DEPLOY, deployFiles, deployText, deployYaml, isInstalled } from '../support/deploy-files.js';

/** Programs check the files that they read, where they are installed. */

const SCRIPTS = deployFiles(/\.sh$/);
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'commonspace-deploy-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

it.each(SCRIPTS)('%s is a script that its shell reads, and stops at the first failure', (script) => {
  const [first = ''] = deployText(script).split('\n');
  expect(['#!/bin/sh', '#!/bin/bash']).toContain(first);
  expect(deployText(script)).toMatch(first === '#!/bin/sh' ? /^set -eu$/m : /^set -euo pipefail$/m);
  expect(check(first.slice('#!/bin/'.length), ['-n', join(DEPLOY, script)])).toEqual({
    status: 0,
    output: '',
  });
});

it.runIf(isInstalled('shellcheck', '--version'))('the scripts have no faults that shellcheck finds', () => {
  expect(check('shellcheck', SCRIPTS, { cwd: DEPLOY })).toEqual({ status: 0, output: '' });
});

it.runIf(isInstalled('haproxy', '-v'))('haproxy reads its configuration', () => {
  const { status, output } = check('haproxy', ['-c', '-f', join(DEPLOY, 'haproxy.cfg')]);
  expect(status, output).toBe(0);
});

it('haproxy asks for the route that tells whether a server is ready, and waits longer than a request takes', () => {
  const text = deployText('haproxy.cfg');
  expect(text).toContain('http-check send meth GET uri /readyz');
  for (const side of ['client', 'server']) {
    const minutes = new RegExp(`^  timeout ${side} (\\d+)m$`, 'm').exec(text)?.[1];
    expect(Number(minutes), side).toBeGreaterThan(10);
  }
});

it.runIf(isInstalled('promtool', '--version'))(
  'promtool reads the configuration and the rules of Prometheus',
  () => {
    cpSync(join(DEPLOY, 'prometheus'), folder, { recursive: true });
    const path = join(folder, 'prometheus.yml');
    // It looks for the file of the key.
    writeFileSync(join(folder, 'metrics-key'), 'key');
    writeFileSync(path, readFileSync(path, 'utf8').replace('/etc/prometheus/key/', `${folder}/`));
    expect(check('promtool', ['check', 'config', path])).toEqual({ status: 0, output: '' });
  },
);

it.runIf(isInstalled('promtool', '--version'))('promtool reads the expressions of the dashboard', () => {
  const { panels } = JSON.parse(deployText('grafana/commonspace.json')) as {
    panels: readonly { readonly targets?: readonly { readonly expr: string }[] }[];
  };
  const rules = panels
    .flatMap(({ targets = [] }) => targets)
    .map(({ expr }, i) => ({ record: `panel:${i}`, expr: expr.replaceAll('$__rate_interval', '5m') }));
  const path = join(folder, 'dashboard.yml');
  writeFileSync(path, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
  expect(check('promtool', ['check', 'rules', path])).toEqual({ status: 0, output: '' });
});

it('Prometheus and Grafana find what the others provide', () => {
  interface Scrape {
    readonly job_name: string;
    readonly authorization: { readonly credentials_file: string };
    readonly dns_sd_configs: readonly { readonly names: readonly string[]; readonly port: number }[];
  }
  const { scrape_configs: scrapes } = deployYaml<{ scrape_configs: readonly Scrape[] }>(
    'prometheus/prometheus.yml',
  );
  const { services } = deployYaml<{ services: Record<string, { volumes: readonly string[] }> }>(
    'compose.yaml',
  );
  expect(scrapes).toMatchObject([
    { job_name: 'commonspace', dns_sd_configs: [{ names: ['server'], port: 4000 }] },
  ]);
  expect(services).toHaveProperty('server');
  // The script writes the key to the volume that Prometheus reads.
  expect(deployText('prometheus/make-key.sh')).toContain('/data/metrics-key');
  expect(services['metrics-key']?.volumes).toContain('metrics-key:/data');
  expect(services.prometheus?.volumes).toContain('metrics-key:/etc/prometheus/key:ro');
  expect(scrapes[0]?.authorization.credentials_file).toBe('/etc/prometheus/key/metrics-key');

  const { datasources } = deployYaml<{ datasources: readonly { uid: string; url: string }[] }>(
    'grafana/datasource.yml',
  );
  expect(datasources).toMatchObject([{ uid: 'prometheus', url: 'http://prometheus:9090' }]);
  const used = new Set(
    [...deployText('grafana/commonspace.json').matchAll(/"type": "prometheus", "uid": "(\w+)"/g)].map(
      ([, uid]) => uid,
    ),
  );
  expect([...used]).toEqual(['prometheus']);
});
