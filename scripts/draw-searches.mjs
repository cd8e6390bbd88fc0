// Draws docs/pictures/searches.svg from searches in the demo's catalogue. Run it after `npm run demo -- --exit`:
//
//   node scripts/draw-searches.mjs [DATA]
//
// The emoji images are by Google (Apache-2.0) and Twitter (CC-BY-4.0).
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { openApp } from '../dist/compose.js';
import { readConfig } from '../dist/config.js';
import { EVIDENCES } from '../dist/domain/evidence.js';

const TYPED = [
  'a big cat with stripes',
  'weather with snow',
  'something to drink with alcohol',
  'a red fruit',
];
const DRAWN = [
  { hexcode: '1F405', remark: '' },
  { hexcode: '1F9C1', remark: '' },
  { hexcode: '1F3B8', remark: 'unseen class: the encoder was trained without musical instruments' },
];
const SHOWN = 7;
const CELL = 76;
const LEFT = 320;
const WIDTH = LEFT + SHOWN * CELL + 20;

const app = await openApp(readConfig({ dataDir: process.argv[2] ?? './data' }), console.error);

async function search(query, target, by) {
  const page = await app.search.search({
    query,
    target,
    by,
    filter: null,
    first: SHOWN,
    after: null,
    minScore: null,
  });
  return page.results.map(({ item }) => item);
}

async function pixels(item) {
  const { path } = await app.media.file(item.contentHash, null);
  return `data:image/png;base64,${(await readFile(path)).toString('base64')}`;
}

const escapeXml = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const cut = (text, length) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

const parts = [];
let y = 20;
function heading(text) {
  parts.push(`<text x="20" y="${y + 12}" class="h">${escapeXml(text)}</text>`);
  y += 28;
}

heading('Text query, image results');
for (const text of TYPED) {
  const found = await search({ text }, 'IMAGE', EVIDENCES);
  parts.push(`<text x="20" y="${y + 38}" class="q">${escapeXml(text)}</text>`);
  for (const [i, item] of found.entries()) {
    parts.push(
      `<image x="${LEFT + i * CELL}" y="${y}" width="60" height="60" href="${await pixels(item)}"/>`,
    );
  }
  y += CELL;
}
y += 8;
heading('Query with an image that is not in the training set, text results by content only');
for (const { hexcode, remark } of DRAWN) {
  const item = await app.items.byExternalId(`twitter/${hexcode}`);
  if (item === null)
    throw new Error(
      `this data folder does not contain the demo's catalogue: there is no item twitter/${hexcode}`,
    );
  const found = await search({ itemId: item.id }, 'TEXT', ['CONTENT']);
  parts.push(`<image x="20" y="${y}" width="60" height="60" href="${await pixels(item)}"/>`);
  const titles = found.map((text) => cut(text.title ?? text.text, 26));
  parts.push(`<text x="110" y="${y + 26}" class="r">${escapeXml(titles.slice(0, 4).join('  ·  '))}</text>`);
  parts.push(`<text x="110" y="${y + 48}" class="r">${escapeXml(titles.slice(4).join('  ·  '))}</text>`);
  if (remark !== '') parts.push(`<text x="110" y="${y + 68}" class="h">${escapeXml(remark)}</text>`);
  y += CELL + (remark === '' ? 0 : 8);
}
await app.close();

const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" width="${WIDTH}" height="${y}" font-family="system-ui, sans-serif">
<style>.h{font-size:13px;fill:#667085}.q{font-size:15px;fill:#101828;font-weight:600}.r{font-size:14px;fill:#101828}</style>
<rect width="100%" height="100%" rx="10" fill="#fff"/>
${parts.join('\n')}
</svg>
`;
const output = new URL('../docs/pictures/searches.svg', import.meta.url);
await mkdir(new URL('.', output), { recursive: true });
await writeFile(output, svg);
console.log(`wrote docs/pictures/searches.svg (${Math.round(svg.length / 1024)} kB)`);
