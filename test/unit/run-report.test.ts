import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { METHODS } from '../../src/domain/evaluation-record.js';
import { html } from '../../src/reports/markup.js';
import { modelCard } from '../../src/reports/model-card.js';
import { withPreviews } from '../../src/reports/previews.js';
import { reportHtml } from '../../src/reports/report-html.js';
import { runRecord, spaceDescription, tableRow } from '../factories/run-record.js';

const HOSTILE = `</title><script>alert("1")</script><img src=x onerror='alert(2)'>&\u0000`;
const PIXEL = 'data:image/png;base64,iVBORw0KGgo=';

/** All tags of a document, without style and script. */
function tags(document: string): string[] {
  const body = document
    .replace(/<style>[\s\S]*?<\/style>/, '')
    .replace(/<script[^>]*>[\s\S]*?<\/script>/, '');
  return [...body.matchAll(/<[^>]*>/g)].map(([tag]) => tag);
}

async function hostileRecord() {
  const { details } = spaceDescription(HOSTILE, [HOSTILE, `"${HOSTILE}`, "'`onmouseover=alert(1) x='"]);
  const previewed = await withPreviews(details, async (item) =>
    item.modality === 'IMAGE' ? { picture: PIXEL, text: HOSTILE } : { picture: null, text: HOSTILE },
  );
  const base = runRecord();
  return runRecord({
    id: HOSTILE,
    title: HOSTILE,
    protocol: HOSTILE,
    preset: HOSTILE,
    createdAt: HOSTILE,
    config: { [HOSTILE]: HOSTILE, nested: { list: [HOSTILE] } },
    manifest: {
      ...base.manifest,
      code: { name: HOSTILE, version: HOSTILE, commit: HOSTILE },
      data: { sha256: HOSTILE, files: [{ name: HOSTILE, bytes: 1, sha256: HOSTILE }] },
      packages: { [HOSTILE]: HOSTILE },
      command: HOSTILE,
    },
    data: { ...base.data, description: HOSTILE },
    table: [
      tableRow('masln', 0.3, { set: HOSTILE }),
      tableRow('cca', 0.2, { set: HOSTILE, headline: false }),
    ],
    trainings: base.trainings.map((one) => ({
      ...one,
      label: HOSTILE,
      preset: HOSTILE,
      notes: [HOSTILE],
      epochs: one.epochs.map((epoch) => ({ ...epoch, losses: { [HOSTILE]: 1 } })),
    })),
    spaces: [previewed],
    notes: [HOSTILE],
  });
}

describe('markup', () => {
  it('escapes interpolated strings, but not its own markup', () => {
    const inner = html`<b>${'a < b & "c"'}</b>`;
    expect(html`<p title="${'"\'`'}">${[inner, null, false, 0]}</p>`.text).toBe(
      '<p title="&quot;&#39;&#96;"><b>a &lt; b &amp; &quot;c&quot;</b>0</p>',
    );
  });
});

describe('a report', () => {
  it('escapes hostile text', async () => {
    const document = reportHtml(await hostileRecord());
    expect(document.match(/<script/g)).toHaveLength(1);
    expect(document.match(/<img /g)?.length).toBeGreaterThan(0);
    for (const tag of tags(document)) expect(withoutValues(tag)).not.toMatch(/\son\w+=/i);
    expect(document).toContain('&lt;/title&gt;&lt;script&gt;');
    expect(document).not.toContain('\u0000');
  });

  it('loads nothing, and its policy allows nothing', async () => {
    const document = reportHtml(await hostileRecord());
    const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(document)?.[1] ?? '';
    expect(policy).toContain('default-src &#39;none&#39;');
    const script = /<script type="module">([\s\S]*)<\/script>/.exec(document)?.[1] ?? '';
    expect(policy).toContain(`sha256-${createHash('sha256').update(script).digest('base64')}`);
    for (const tag of tags(document)) {
      for (const [, value] of tag.matchAll(/\s(?:src|href|srcset|xlink:href|action|data)="([^"]*)"/g)) {
        expect(value).toMatch(/^(#|data:image\/)/);
      }
    }
    expect(document).not.toMatch(/@import|url\(/);
  });

  it('embeds pictures of raster types only', async () => {
    const { details } = spaceDescription();
    for (const picture of [
      'https://example.org/a.png',
      'data:image/svg+xml;base64,PHN2Zz4=',
      'data:text/html,<b>',
      `${PIXEL}" onload="x`,
    ]) {
      const previewed = await withPreviews(details, async () => ({ picture, text: 'a' }));
      expect(reportHtml(runRecord({ spaces: [previewed] }))).not.toContain('<img');
    }
  });

  it('has all sections, and a text alternative for each chart', () => {
    const document = reportHtml(runRecord());
    for (const words of [
      'map@all',
      'Discriminator’s accuracy',
      'Precision over recall',
      'Average precision by class',
      'Classification',
      'Similarities',
      'Modality gap',
      'Neighbourhoods',
      'Principal plane',
      'Best, image → text',
      'Worst, text → image',
    ]) {
      expect(document).toContain(words);
    }
    const charts = tags(document).filter((tag) => tag.startsWith('<svg'));
    for (const tag of charts) expect(tag).toMatch(/role="img" aria-label="[^"]+"|aria-hidden="true"/);
    expect(document).toContain('<b>+0.050</b> compared with CCA');
    expect(document).toContain('unseen: 1 classes');
    expect(document.length).toBeLessThan(300_000);
    expect(document).not.toMatch(/NaN|undefined|Infinity|\[object/);
  });

  it('accepts a record with empty sections', () => {
    const bare = reportHtml(runRecord({ table: [], trainings: [], spaces: [], seconds: null }));
    expect(bare).toContain('Reproducibility');
    const base = spaceDescription().details;
    const empty = {
      ...base,
      curves: [],
      perClass: [],
      similarities: { ...base.similarities, groups: [] },
      gap: {
        centroidDistance: null,
        imageConcentration: null,
        textConcentration: null,
        linearAccuracy: null,
      },
      map: { points: [], explained: 1, perplexity: null, of: 0 },
      best: [],
      worst: [],
    };
    expect(reportHtml(runRecord({ spaces: [empty] }))).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('limits its size for many sets', () => {
    const { details } = spaceDescription();
    const points = Array.from({ length: 900 }, (_, i) => ({
      ...(details.map.points[i % 48] as (typeof details.map.points)[number]),
      row: i,
    }));
    const spaces = Array.from({ length: 30 }, (_, i) => ({
      ...details,
      set: `split ${i}`,
      map: { ...details.map, points },
    }));
    const document = reportHtml(runRecord({ spaces }));
    expect(document.length).toBeLessThan(2_000_000);
    expect(document.match(/The common space/g)).toHaveLength(30);
    expect(document).toContain('<a href="#space-0">Spaces</a>');
  });

  it('has the classification accuracy, and leaves it out of records without it', () => {
    const table = /<section id="classification">[\s\S]*?<\/section>/;
    const section = table.exec(reportHtml(runRecord()))?.[0] ?? '';
    const rows = [...section.matchAll(/<tr><th scope="row">(.*?)<\/tr>/g)].map(([, row = '']) =>
      row
        .replace(/<[^>]*>/g, ' ')
        .trim()
        .split(/\s+/)
        .join(' '),
    );
    expect(rows).toEqual([
      'Images 2 seen classes 1,234 0.500 1.000 0.333 0.500 1.000 0.500 0.400 0.333',
      'Images 2 unseen classes 1,234 0.250 1.000 0.333 0.250 1.000 0.500 0.400 0.333',
      'Texts 2 seen classes 1,234 0.750 1.000 0.333 0.750 1.000 0.500 0.400 –',
    ]);
    const { classification: _, ...older } = runRecord();
    for (const record of [older, runRecord({ classification: null })]) {
      expect(reportHtml(record)).not.toMatch(table);
    }
  });

  it('lists the options of nested objects and lists', () => {
    const config = { seeds: [0, 1], splits: [{ name: 'a', unseen: [] }, { name: 'b' }] };
    const document = reportHtml(runRecord({ config }));
    for (const [name, value] of [
      ['seeds', '0, 1'],
      ['splits.0.name', 'a'],
      ['splits.1.name', 'b'],
    ]) {
      expect(document).toContain(`<th scope="row">${name}</th><td>${value}</td>`);
    }
  });

  it('is deterministic', () => {
    expect(reportHtml(runRecord())).toBe(reportHtml(runRecord()));
  });
});

describe('a model card', () => {
  it('has the metrics with their intervals, and escapes untrusted text', async () => {
    expect(modelCard(runRecord())).toContain('| test · seen classes | CCA | 0.250 (0.230 – 0.270) |');
    const card = modelCard(await hostileRecord());
    const outsideCode = card.replace(/`[^`\n]*`/g, '').replace(/^ {4}.*$/gm, '');
    expect(outsideCode).not.toMatch(/<script|<img/);
  });
});

/** A tag with empty quoted values. */
function withoutValues(tag: string): string {
  return tag.replace(/"[^"]*"/g, '""');
}

it('has a colour for every method', () => {
  const text = reportHtml(runRecord());
  for (const method of METHODS) expect(text).toMatch(new RegExp(`\\.m-${method}\\s*\\{\\s*--m:`));
});
