import { Command } from 'commander';
import {
  DEMO_MARK,
  type DemoPlan,
  demoItems,
  LEARNT_FROM,
  planDemo,
  UNSEEN_CLASSES,
} from '../demo/demo-items.js';
import { CommonspaceError } from '../domain/errors.js';
import type { TrainingReport } from '../services/encoders/training-service.js';
import type { ItemRow } from '../services/models.js';
import type { App } from '../services/services.js';
import { readNumber } from './arguments.js';
import { type Output, oneLine, table } from './output.js';
import { createProgress } from './progress.js';
import { type GlobalOptions, type OpenApp, run, withGlobalOptions } from './run.js';
import { serve } from './serve.js';
import { printReport, train } from './train.js';

interface DemoOptions extends GlobalOptions {
  readonly exit?: boolean;
  readonly lang: readonly string[];
  readonly port?: number;
}

/** What a person might type: descriptions, and bare words. */
const TYPED_QUERIES = [
  'a striped big cat',
  'weather with snow',
  'something to drink with alcohol',
  'tiger',
  'snowflake',
  'wine glass',
];
/** Pictures by Twitter, which the encoder never saw, that ask for texts. */
const PICTURE_QUERIES = ['1F405', '1F3B8', '1F9C1'];
const SHOWN = 5;
/** Entries read and ingested together: three items each. */
const ENTRIES_AT_ONCE = 256;

export function demoCommand(openApp: OpenApp): Command {
  return withGlobalOptions(new Command('demo'))
    .description(
      'set up a catalogue of some 1,600 emoji in two drawing styles, train on it, search it, and serve it',
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
        const { out, open, signal } = running;
        const plan = planDemo(options.lang);
        const app = await open();
        const report = await prepare(app, plan, out, signal);
        printReport(out, report);
        await showSearches(app, out, signal);
        out.printJson(report);
        if (options.exit === true) return;
        // Somebody reads along: what is only for the record stays out of the way.
        const quiet = { ...running, config: { ...running.config, logLevel: 'warn' as const } };
        await serve(quiet, app, (address) => out.print(invitation(address)));
      }),
    );
}

/** Ingests and trains, or starts from what an earlier run left. */
async function prepare(app: App, plan: DemoPlan, out: Output, signal: AbortSignal): Promise<TrainingReport> {
  const [counts, mine, active] = await Promise.all([
    app.items.countByModality(),
    app.items.count({ metadata: DEMO_MARK }),
    app.training.activeReport(),
  ]);
  // Whoever adds items to the demo's catalogue may run it again; a catalogue of something else is left alone.
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
  return await train(
    app,
    {
      preset: 'default',
      seed: 0,
      unseen: UNSEEN_CLASSES,
      holdout: 0,
      epochs: null,
      learnFrom: { metadata: LEARNT_FROM },
    },
    out,
    signal,
  );
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
        by: by === 'ALL' ? ['CONTENT', 'COUNTERPART'] : ['CONTENT'],
        filter: null,
        first: SHOWN,
        after: null,
        minScore: null,
      },
      signal,
    );
    return page.results.map(({ item }) => itemLabel(item));
  };
  out.print('\nTyped, finding pictures (what they show, and who drew them):\n');
  const typed = [];
  for (const text of TYPED_QUERIES) typed.push([text, (await search({ text }, 'IMAGE', 'ALL')).join('   ')]);
  out.print(table(['words', 'first pictures'], typed));

  out.print('\nA drawing that the encoder never saw, finding texts by content alone:\n');
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
    `\nCommonspace serves ${address}/graphql (stop it with Ctrl-C). Ask it:\n`,
    `  curl -s ${address}/graphql -H 'content-type: application/json' -d '${body}'\n`,
  ].join('\n');
}
