import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { CommonspaceError } from '../domain/errors.js';
import { EVIDENCES, type Evidence } from '../domain/evidence.js';
import { MODALITIES, type Modality } from '../domain/modality.js';
import { readChoice, readNumber } from './arguments.js';
import type { CliQuery, FoundItem } from './backend/backend.js';
import { oneLine, table } from './output.js';
import { printExplanation } from './print-explanation.js';
import { type GlobalOptions, type OpenApp, run, SHORT, withServerOptions } from './run.js';

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

export function searchCommand(openApp: OpenApp): Command {
  return withServerOptions(new Command('search'))
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
      run(openApp, options, SHORT, async ({ out, connect, signal }) => {
        const query = await readQuery(text, options);
        const backend = await connect();
        const found = await backend.search(
          {
            query,
            target: options.target ?? ('bytes' in query ? 'TEXT' : 'IMAGE'),
            by: options.by,
            classNames: options.class ?? null,
            first: options.first,
            minScore: options.minScore ?? null,
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
): Promise<CliQuery> {
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
