import { readFileSync } from 'node:fs';
import { pino } from 'pino';
import { beforeAll, describe, expect, it } from 'vitest';
import { ERRORS } from '../../src/domain/errors.js';
import { createApp } from '../../src/http/app.js';
import { openTestApp } from '../support/app.js';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const RULES = read('deploy/prometheus/rules.yml');
const DOCUMENT = read('docs/operations.md');
/** Functions and words of Prometheus's language, labels, and the metric that Prometheus itself makes. */
const PROMETHEUS =
  /^(up|job|sum|max|count|by|le|rate|increase|histogram_quantile|label_values|vector|offset|and|or|kind|reason|instance|replica|[0-9]+[mhe]?.*)$/;
/** Labels that the dashboard groups by; a word after a metric is one of these or unknown. */
const LABELS =
  /^(route|status|stage|code|state|modality|classes|query|target|of|advice|cache|for|__rate_interval)$/;

let metrics: ReadonlySet<string>;

beforeAll(async () => {
  const app = await openTestApp();
  const http = await createApp({
    services: app,
    logger: pino({ level: 'silent' }),
    apiKeys: [],
    loopback: true,
  });
  const { body } = await http.inject('/metrics');
  await http.close();
  await app.close();
  metrics = new Set(
    [...body.matchAll(/^# TYPE (\S+) (\S+)/gm)].flatMap(([, name = '', type]) =>
      type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    ),
  );
});

/** The names in an expression that are no word of the language, no label and no metric of the server. */
function unknownNames(expression: string): string[] {
  const bare = expression.replace(/\{[^}]*\}|\[[^\]]*\]/g, ' ');
  const names = bare.match(/[a-z_0-9]+/gi)?.filter((name) => !PROMETHEUS.test(name)) ?? [];
  return names.filter((name) => !metrics.has(name) && !LABELS.test(name));
}

describe('the rules of Prometheus', () => {
  it('use metrics that the server has, and codes that exist', () => {
    const expressions = [...RULES.matchAll(/^\s+expr: (.+)$/gm)].map(([, expression = '']) => expression);
    expect(expressions.length).toBeGreaterThan(8);
    for (const expression of expressions) {
      expect(unknownNames(expression), expression).toEqual([]);
      const codes = [...expression.matchAll(/code=~?"([A-Z_|]+)"/g)].flatMap(([, list = '']) =>
        list.split('|'),
      );
      expect(codes.filter((code) => !Object.hasOwn(ERRORS, code))).toEqual([]);
    }
  });

  it('are each in the document', () => {
    const alerts = [...RULES.matchAll(/- alert: (\w+)/g)].map(([, name = '']) => name);
    expect(alerts.filter((name) => !DOCUMENT.includes(`\`${name}\``))).toEqual([]);
  });
});

describe("Grafana's dashboard", () => {
  interface Dashboard {
    readonly panels: readonly {
      readonly id: number;
      readonly title: string;
      readonly type: string;
      readonly targets?: readonly { readonly expr: string }[];
    }[];
    readonly templating: { readonly list: readonly { readonly query: { readonly query: string } }[] };
  }
  const { panels, templating } = JSON.parse(read('deploy/grafana/commonspace.json')) as Dashboard;

  it('uses metrics that the server has', () => {
    const expressions = [
      ...panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
      ...templating.list.map(({ query }) => query.query),
    ];
    expect(expressions.length).toBeGreaterThan(20);
    for (const expression of expressions) expect(unknownNames(expression), expression).toEqual([]);
    expect(unknownNames('rate(commonspace_requests_total[5m])')).toEqual(['commonspace_requests_total']);
  });

  it('has panels with different ids, which all show something', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const empty = panels.filter(({ type, targets = [] }) => type !== 'row' && targets.length === 0);
    expect(empty.map(({ title }) => title)).toEqual([]);
  });
});
