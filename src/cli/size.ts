import { Command } from 'commander';
import { CommonspaceError } from '../domain/errors.js';
import { type CatalogueShape, DEFAULT_SHAPE } from '../domain/size/catalogue-contents.js';
import { limitsOf, variantsOf } from '../domain/size/catalogue-limits.js';
import { DEFAULT_MACHINES, type Machines, planCatalogue } from '../domain/size/catalogue-plan.js';
import { checkMachines, checkShape } from '../domain/size/check-shape.js';
import { scaleTable } from '../domain/size/scale-table.js';
import { printScale, printSize } from './print-size.js';
import { type GlobalOptions, type OpenApp, run, SHORT, withGlobalOptions } from './run.js';

type NumberOption =
  | Exclude<keyof CatalogueShape, 'onPaper'>
  | Exclude<keyof Machines, 'picturesPerCoreSecond' | 'textsPerCoreSecond'>
  | 'picturesPerSecond'
  | 'textsPerSecond';

type SizeOptions = GlobalOptions & Partial<Record<NumberOption, string>>;

const GB = 1e9;

export function sizeCommand(openApp: OpenApp): Command {
  return withGlobalOptions(new Command('size'))
    .description('compute what a catalogue of some size needs: bytes, memory, servers, hours (docs/scale.md)')
    .option(
      '--items <n>',
      'pictures and texts, for example 5e7 (without it: a table from 10,000 to a billion)',
    )
    .option('--captions <n>', 'texts of a picture; below 1, the share of pictures with one (default: 1)')
    .option('--encoders <n>', 'versions of the encoder that are kept (default: 1)')
    .option('--image-dimension <n>', 'numbers of a picture’s features (default: 2032)')
    .option('--text-dimension <n>', 'numbers of a text’s features (default: 1024)')
    .option('--embedding-dimension <n>', 'numbers of an embedding (default: 64)')
    .option('--text-bytes <n>', 'bytes of a text, in the mean (default: 58)')
    .option('--memory <gb>', 'memory of each database server in GB (default: 64)')
    .option('--cores <n>', 'cores that extract features, of all servers and workers (default: 16)')
    .option('--pictures-per-second <n>', 'pictures that a core extracts in a second (default: 35)')
    .option('--texts-per-second <n>', 'texts that a core extracts in a second (default: 145)')
    .action((options: SizeOptions) =>
      run(openApp, options, SHORT, async ({ out }) => {
        const machines = machinesOf(options);
        if (options.items === undefined) {
          const lines = scaleTable(shapeOf(options, 1), machines);
          printScale(out, lines);
          out.printJson({ machines, lines });
          return;
        }
        const plan = planCatalogue(shapeOf(options, readNumber(options, 'items', 0)), machines);
        const [limits, variants] = [limitsOf(plan), variantsOf(plan)];
        printSize(out, plan, limits, variants);
        out.printJson({ ...plan, limits, variants });
      }),
    );
}

function shapeOf(options: SizeOptions, items: number): CatalogueShape {
  const shape = {
    items,
    captions: readNumber(options, 'captions', DEFAULT_SHAPE.captions),
    encoders: readNumber(options, 'encoders', DEFAULT_SHAPE.encoders),
    imageDimension: readNumber(options, 'imageDimension', DEFAULT_SHAPE.imageDimension),
    textDimension: readNumber(options, 'textDimension', DEFAULT_SHAPE.textDimension),
    embeddingDimension: readNumber(options, 'embeddingDimension', DEFAULT_SHAPE.embeddingDimension),
    textBytes: readNumber(options, 'textBytes', DEFAULT_SHAPE.textBytes),
  };
  checkShape(shape);
  return shape;
}

function machinesOf(options: SizeOptions): Machines {
  const machines = {
    memory: GB * readNumber(options, 'memory', DEFAULT_MACHINES.memory / GB),
    cores: readNumber(options, 'cores', DEFAULT_MACHINES.cores),
    picturesPerCoreSecond: readNumber(options, 'picturesPerSecond', DEFAULT_MACHINES.picturesPerCoreSecond),
    textsPerCoreSecond: readNumber(options, 'textsPerSecond', DEFAULT_MACHINES.textsPerCoreSecond),
  };
  checkMachines(machines);
  return machines;
}

/** @throws CommonspaceError BAD_INPUT that names the option */
function readNumber(options: SizeOptions, field: NumberOption, absent: number): number {
  const text = options[field];
  if (text === undefined) return absent;
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value)) return value;
  throw new CommonspaceError('BAD_INPUT', `"${text}" is not a number.`, [field]);
}
