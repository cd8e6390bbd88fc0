import { readFileSync } from 'node:fs';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { ERRORS } from '../../src/domain/errors.js';
import { createApp } from '../../src/http/app.js';
import { openTestApp } from '../support/app.js';

const RULES = readFileSync(new URL('../../docs/prometheus-rules.yml', import.meta.url), 'utf8');
const DOCUMENT = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
/** Functions and words of Prometheus's language, labels, and the metric that Prometheus itself makes. */
const PROMETHEUS =
  /^(up|job|sum|max|by|le|rate|increase|histogram_quantile|vector|offset|and|or|kind|reason|instance|[0-9]+[mhe]?.*)$/;

it('use metrics that the server has, and codes that exist', async () => {
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
  const metrics = new Set(
    [...body.matchAll(/^# TYPE (\S+) (\S+)/gm)].flatMap(([, name = '', type]) =>
      type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    ),
  );
  const expressions = [...RULES.matchAll(/^\s+expr: (.+)$/gm)].map(([, expression = '']) => expression);
  expect(expressions.length).toBeGreaterThan(8);
  for (const expression of expressions) {
    const bare = expression.replace(/\{[^}]*\}|\[[^\]]*\]/g, ' ');
    const names = bare.match(/[a-z_0-9]+/gi)?.filter((name) => !PROMETHEUS.test(name)) ?? [];
    expect(
      names.filter((name) => !metrics.has(name)),
      expression,
    ).toEqual([]);
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
