import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { Command } from 'commander';
import { CommonspaceError } from '../domain/errors.js';
import { EVIDENCES, type Evidence } from '../domain/evidence.js';
import { MODALITIES, type Modality } from '../domain/modality.js';
import type { SearchQuery } from '../services/search/query-reader.js';
import type { SearchRequest } from '../services/search/search-request.js';
import type { App } from '../services/services.js';
import { readChoice, readNumber } from './arguments.js';
import { oneLine, table } from './output.js';
import { explanationsOf, printExplanation, type ShownExplanation } from './print-explanation.js';
import { type GlobalOptions, type OpenApp, run, SHORT, withGlobalOptions } from './run.js';

interface SearchOptions extends GlobalOptions {
  readonly image?: string;
  readonly likeClass?: string;
  readonly explain?: boolean;
  readonly target?: Modality;
  readonly class?: readonly string[];
  readonly first: number;
  readonly by: readonly Evidence[];
  readonly minScore?: number | 'auto';
}

interface FoundItem {
  readonly rank: number;
  readonly score: number;
  readonly id: string;
  readonly modality: Modality;
  readonly externalId: string | null;
  readonly title: string | null;
  readonly text: string | null;
  /** The name it was ingested from. */
  readonly file: string | null;
  readonly classes: readonly string[];
  /** Path of a thumbnail on disk, from the current folder, for a picture. */
  readonly thumbnail: string | null;
  /** Where it was asked for; null where no encoder can explain the item. */
  readonly explanation?: ShownExplanation | null;
}

interface Found {
  readonly mode: string;
  readonly encoder: string | null;
  readonly results: readonly FoundItem[];
}

/** Width of the thumbnails whose paths are shown, in pixels. */
const THUMBNAIL_WIDTH = 256;

export function searchCommand(openApp: OpenApp): Command {
  return withGlobalOptions(new Command('search'))
    .description(
      'search by words or by a picture; a text finds pictures and a picture finds texts unless told otherwise',
    )
    .argument('[text]', 'what to look for')
    .option('--image <file>', 'a picture to search by')
    .option('--like-class <name>', 'a class to search by, whether it has items or not')
    .option('--target <modality>', 'what to find: IMAGE or TEXT', readChoice(MODALITIES))
    .option('--class <name...>', 'only items of one of these classes')
    .option(
      '--first <n>',
      'how many at most, 1 to 100',
      readNumber('first', { integer: true, min: 1, max: 100 }),
      10,
    )
    .option(
      '--by <evidence>',
      'content, counterpart, lexical, borrowed, or several with commas (default: all)',
      readEvidence,
      EVIDENCES,
    )
    .option(
      '--min-score <similarity>',
      'leave out results with a lower score: a number, or auto, the calibrated threshold',
      readMinScore,
    )
    .option(
      '--explain',
      'show the classes and the training pairs that are near both the query and the result',
    )
    .action((text: string | undefined, options: SearchOptions) =>
      run(openApp, options, SHORT, async ({ out, open, signal }) => {
        const query = await readQuery(text, options);
        const app = await open();
        const target = options.target ?? ('bytes' in query ? 'TEXT' : 'IMAGE');
        const { minScore = null } = options;
        const found = await find(
          app,
          {
            query,
            target,
            by: options.by,
            filter: options.class === undefined ? null : { classNames: options.class },
            first: options.first,
            after: null,
            minScore: minScore === 'auto' ? null : minScore,
            threshold: minScore === 'auto' ? 'AUTO' : 'NONE',
          },
          { explain: options.explain === true, signal },
        );
        out.print(found.results.length === 0 ? 'Nothing found.' : resultTable(found.results));
        for (const result of found.results) printExplanation(out, nameOf(result), result.explanation);
        out.printJson(found);
      }),
    );
}

function readEvidence(value: string): readonly Evidence[] {
  if (value.toLowerCase() === 'both') return ['CONTENT', 'COUNTERPART'];
  return value.split(',').map((kind) => readChoice(EVIDENCES)(kind.trim()));
}

function readMinScore(value: string): number | 'auto' {
  return value.toLowerCase() === 'auto' ? 'auto' : readNumber('min-score', { min: -1, max: 1 })(value);
}

async function readQuery(
  text: string | undefined,
  { image, likeClass }: Pick<SearchOptions, 'image' | 'likeClass'>,
): Promise<SearchQuery> {
  if ([text, image, likeClass].filter((given) => given !== undefined).length !== 1) {
    throw new CommonspaceError('BAD_INPUT', 'Give either words, --image FILE or --like-class NAME.', [
      'text',
    ]);
  }
  if (text !== undefined) return { text };
  if (image === undefined) return { className: likeClass ?? '' };
  try {
    return { bytes: await readFile(image) };
  } catch {
    throw new CommonspaceError('FILE_MISSING', `The file ${image} is not there or cannot be read.`, [
      'image',
    ]);
  }
}

/** Runs a search and gathers what a person or a script wants to see of its results. */
async function find(
  app: App,
  request: SearchRequest,
  { explain = false, signal }: { readonly explain?: boolean; readonly signal?: AbortSignal } = {},
): Promise<Found> {
  const page = await app.search.search(request, { signal });
  const [explanations, classes] = await Promise.all([
    explain ? explanationsOf(app, page) : null,
    app.items.classesOf(page.results.map(({ item }) => item.id)),
  ]);
  const results = await Promise.all(
    page.results.map(
      async ({ item, rank, score }): Promise<FoundItem> => ({
        rank,
        score,
        id: item.id,
        modality: item.modality,
        externalId: item.externalId,
        title: item.title,
        text: item.modality === 'TEXT' ? item.text : null,
        file: typeof item.metadata.file === 'string' ? item.metadata.file : null,
        classes: (classes.get(item.id) ?? []).map(({ name }) => name),
        thumbnail:
          item.modality === 'IMAGE'
            ? relative('', (await app.media.file(item.contentHash, THUMBNAIL_WIDTH)).path)
            : null,
        ...(explanations !== null && { explanation: explanations.get(item.id) ?? null }),
      }),
    ),
  );
  return { mode: page.mode, encoder: page.encoderVersion, results };
}

function resultTable(results: readonly FoundItem[]): string {
  return table(
    ['#', 'score', 'class', 'item', 'thumbnail or text'],
    results.map((found) => [
      String(found.rank),
      found.score.toFixed(4),
      oneLine(found.classes.join(', '), 24),
      nameOf(found),
      found.text === null ? (found.thumbnail ?? '') : oneLine(found.text, 60),
    ]),
    ['right', 'right'],
  );
}

function nameOf({ file, title, externalId, id }: FoundItem): string {
  return oneLine(file ?? title ?? externalId ?? id, 40);
}
