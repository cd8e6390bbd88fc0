import { Command } from 'commander';
import { DEMO_MARK, type DemoPlan, demoItems, planDemo } from '../demo/demo-items.js';
import { DEMO_TRAINING } from '../demo/demo-training.js';
import { CommonspaceError } from '../domain/errors.js';
import { EVIDENCES } from '../domain/evidence.js';
import type { App } from '../services/app.js';
import type { TrainingReport } from '../services/encoders/training-service.js';
import type { ItemRow } from '../services/models.js';
import { readNumber } from './arguments.js';
import { localBackend } from './backend/local.js';
import { type Output, oneLine, table } from './output.js';
import { createProgress } from './progress.js';
import { type GlobalOptions, type OpenApp, run, withGlobalOptions } from './run.js';
import { createLogger, serve } from './serve.js';
import { printReport, reportJson, train } from './train.js';

interface DemoOptions extends GlobalOptions {
  readonly exit?: boolean;
  readonly lang: readonly string[];
  readonly port?: number;
}

/** Descriptions, and single words. */
const TYPED_QUERIES = [
  'a striped big cat',
  'weather with snow',
  'something to drink with alcohol',
  'tiger',
  'snowflake',
  'wine glass',
];
/** Twitter's pictures of these emoji are queries; no picture by Twitter is in the training set. */
const PICTURE_QUERIES = ['1F405', '1F3B8', '1F9C1'];
const SHOWN = 5;
/** Entries that are ingested together. An entry has two pictures and a text for each language. */
const ENTRIES_AT_ONCE = 256;

export function demoCommand(openApp: OpenApp): Command {
  return withGlobalOptions(new Command('demo'))
    .description(
      'set up a catalogue of some 1,600 emoji in two drawing styles, train an encoder on it, search it, and serve it',
    )
    .option('--exit', 'stop before serving')
    .option('--lang <language...>', 'languages of the captions: en, zh, fr, es, …', ['en'])
    .option(
      '--port <port>',
      'port to serve on (default: 4000)',
      readNumber('port', { integer: true, min: 0, max: 65535 }),
    )
    .action((options: DemoOptions) =>
      run(openApp, options, options.port === undefined ? {} : { port: options.port }, async (running) => {
        const { out, openToServe, signal } = running;
        const plan = planDemo(options.lang);
        const app = await openToServe();
        const report = await prepare(app, plan, out, signal);
        printReport(out, report);
        await showSearches(app, out, signal);
        out.printJson(reportJson(report));
        if (options.exit === true) return;
        // The terminal shows the searches; log lines of every request would hide them.
        await serve(running, app, createLogger('warn'), (address) => out.print(invitation(address)));
      }),
    );
}

/** Ingests and trains; with the items and an encoder of an earlier run it does neither. */
async function prepare(app: App, plan: DemoPlan, out: Output, signal: AbortSignal): Promise<TrainingReport> {
  const [counts, mine, active] = await Promise.all([
    app.items.countByModality(),
    app.items.count({ metadata: DEMO_MARK }),
    app.training.activeReport(),
  ]);
  // The demo may run again after items were added to its own catalogue, but it does not change another catalogue.
  if (mine === 0 && counts.IMAGE + counts.TEXT > 0) {
    throw new CommonspaceError(
      'BAD_INPUT',
      "The data folder holds a catalogue that is not the demo's; name another folder with --data.",
      ['data'],
    );
  }
  const complete = mine >= plan.images + plan.texts;
  if (complete && active !== null) return active;
  if (!complete) await ingestDemo(app, plan, out, signal);
  return await train(localBackend(app).training, DEMO_TRAINING, out, signal);
}

async function ingestDemo(app: App, plan: DemoPlan, out: Output, signal: AbortSignal): Promise<void> {
  const all = plan.images + plan.texts;
  out.print(`Ingesting ${plan.images} pictures and ${plan.texts} texts of ${plan.entries.length} emoji …`);
  const progress = createProgress('ingest');
  try {
    for (let start = 0; start < plan.entries.length; start += ENTRIES_AT_ONCE) {
      const items = await demoItems(plan, start, start + ENTRIES_AT_ONCE);
      const before = start * (2 + plan.languages.length);
      const outcomes = await app.ingest.ingest(items, {
        signal,
        onProgress: (done) => progress.update(before + done, all, 'items'),
      });
      const failed = outcomes.find((outcome) => outcome.status === 'FAILED');
      if (failed?.status === 'FAILED')
        throw new CommonspaceError(failed.error.code, failed.error.message, failed.error.field);
    }
  } finally {
    progress.stop();
  }
}

async function showSearches(app: App, out: Output, signal: AbortSignal): Promise<void> {
  const search = async (
    query: { text: string } | { itemId: string },
    target: 'IMAGE' | 'TEXT',
    by: 'ALL' | 'CONTENT',
  ) => {
    const page = await app.search.search(
      {
        query,
        target,
        by: by === 'ALL' ? EVIDENCES : ['CONTENT'],
        filter: null,
        first: SHOWN,
        after: null,
        minScore: null,
      },
      { signal },
    );
    return page.results.map(({ item }) => itemLabel(item));
  };
  out.print('\nTyped words, pictures found (G: drawn by Google, T: by Twitter):\n');
  const typed = [];
  for (const text of TYPED_QUERIES) typed.push([text, (await search({ text }, 'IMAGE', 'ALL')).join('   ')]);
  out.print(table(['words', 'first pictures'], typed));

  out.print("\nTwitter's drawings, none of which is in the training set, texts found by content alone:\n");
  const drawn = [];
  for (const hexcode of PICTURE_QUERIES) {
    const item = await app.items.byExternalId(`twitter/${hexcode}`);
    if (item === null) continue;
    const texts = await search({ itemId: item.id }, 'TEXT', 'CONTENT');
    drawn.push([itemLabel(item), texts.map((text) => oneLine(text, 24)).join('   ')]);
  }
  out.print(table(['picture', 'first texts'], drawn));
}

function itemLabel(item: ItemRow): string {
  const { emoji, vendor } = item.metadata;
  const drawnBy = vendor === 'google' ? 'G' : vendor === 'twitter' ? 'T' : '';
  return `${String(emoji ?? '')} ${item.title ?? ''}${drawnBy === '' ? '' : ` (${drawnBy})`}`;
}

function invitation(address: string): string {
  const query = `{ crossModalSearch(query: {text: "a big cat with stripes"}, target: IMAGE, first: 3) { nodes { title ... on ImageItem { url(width: 64) } } } }`;
  const body = JSON.stringify({ query });
  return [
    `\nCommonspace serves ${address}/ (stop it with Ctrl-C). Open it in a browser, or ask it:\n`,
    `  curl -s ${address}/graphql -H 'content-type: application/json' -d '${body}'\n`,
  ].join('\n');
}
