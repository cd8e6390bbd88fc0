import { coresOfOneWriter, type Limit, type Variant } from '../domain/size/catalogue-limits.js';
import { type CataloguePlan, MOST_SHARDS } from '../domain/size/catalogue-plan.js';
import { SCALE_HEADER } from '../domain/size/scale-table.js';
import { amount, duration, size } from '../domain/size/size-words.js';
import { type Output, table } from './output.js';

const SOURCE =
  'Without the files of pictures. docs/scale.md says what each figure means and where the speeds were measured.';

/** Relations that have less than this share of the bytes are listed together. */
const LISTED = 0.002;

export function printSize(
  out: Output,
  plan: CataloguePlan,
  limits: readonly Limit[],
  variants: readonly Variant[],
): void {
  const { shape, pictures, texts } = plan;
  out.print(`${amount(shape.items)} items: ${amount(pictures)} pictures and ${amount(texts)} texts.\n`);
  printRelations(out, plan);
  printNeeds(out, plan);
  out.print('\nLimits, the first one first:');
  out.print(
    table(
      ['from items', '', 'what', 'change'],
      limits.map(({ items, reached, what, change, today }) => [
        amount(items),
        reached ? 'REACHED' : '',
        what,
        today ? change : `${change} (on paper)`,
      ]),
      ['right'],
    ),
  );
  out.print('\nChanges. «On paper» is not built:');
  out.print(
    table(
      ['', '', 'disk', 'in memory'],
      variants.map(({ change, today, bytes, searched }) => [
        change,
        today ? '' : 'on paper',
        size(bytes),
        size(searched),
      ]),
      ['left', 'left', 'right', 'right'],
    ),
  );
  out.print(`\n${SOURCE}`);
}

/** A line for each size of a catalogue. */
export function printScale(out: Output, lines: readonly (readonly string[])[]): void {
  out.print(
    table(
      SCALE_HEADER,
      lines,
      SCALE_HEADER.map(() => 'right'),
    ),
  );
  out.print(`\n${SOURCE}`);
}

function printRelations(out: Output, { relations, bytes, shape }: CataloguePlan): void {
  const large = relations
    .filter((one) => one.bytes >= LISTED * bytes.total)
    .toSorted((a, b) => b.bytes - a.bytes);
  const rest = bytes.total - large.reduce((sum, one) => sum + one.bytes, 0);
  const line = (name: string, rows: string, where: string, all: number) => [
    name,
    rows,
    size(all),
    (all / shape.items).toFixed(0),
    where,
  ];
  out.print(
    table(
      ['table or index', 'rows', 'size', 'bytes an item', 'on Citus'],
      [
        ...large.map((one) => line(one.name, amount(one.rows), one.where, one.bytes)),
        line(`${relations.length - large.length} smaller ones`, '', '', rest),
        line('all', '', '', bytes.total),
      ],
      ['left', 'right', 'right', 'right', 'left'],
    ),
  );
}

function printNeeds(out: Output, plan: CataloguePlan): void {
  const { machines, searched, hours, search } = plan;
  const speed = `${machines.cores} cores; the one writer is busy with ${coresOfOneWriter(plan).toFixed(0)}`;
  out.print('');
  out.print(
    table(
      ['', '', ''],
      [
        [
          'memory for searches',
          size(searched.vectors + searched.items),
          `vector indexes ${size(searched.vectors)}`,
        ],
        ['database', nodes(plan), nodesRemark(plan)],
        ['ingest', duration(hours.ingest), speed],
        [
          'index builds',
          duration(hours.indexCore),
          'of one core; longer where a graph exceeds the measured 100,000 vectors',
        ],
        [
          'ingest into indexes',
          duration(hours.insertCore),
          'of one core of the database, instead of builds; on Citus writers take turns',
        ],
        ['embedding by a new encoder', duration(hours.embedding), 'one process, from stored features'],
        [
          'search, p50',
          search === null ? 'not measured' : `${search.byVector} ms by vector, ${search.byText} ms by text`,
          search === null ? 'measured up to 2 million items' : `measured with ${amount(search.items)} items`,
        ],
      ],
    ).replace(/^\s*\n/, ''),
  );
}

function nodes({ nodes: { workers, shards }, machines }: CataloguePlan): string {
  if (workers === null) return `more than ${MOST_SHARDS} workers of ${size(machines.memory)}`;
  return workers === 1
    ? `one server of ${size(machines.memory)}`
    : `Citus: ${workers} workers of ${size(machines.memory)}, ${shards} shards`;
}

function nodesRemark({ nodes: { workers, workerBytes, coordinatorBytes } }: CataloguePlan): string {
  if (workers === null) return `there are at most ${MOST_SHARDS} shards, and each worker needs one`;
  return workers === 1
    ? `disk ${size(workerBytes)}`
    : `disk of a worker ${size(workerBytes)}, of the coordinator ${size(coordinatorBytes)}`;
}
