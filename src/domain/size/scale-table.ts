import { type CatalogueShape, DEFAULT_SHAPE } from './catalogue-contents.js';
import {
  type CataloguePlan,
  DEFAULT_MACHINES,
  type Machines,
  MOST_SHARDS,
  planCatalogue,
} from './catalogue-plan.js';
import { amount, duration, size } from './size-words.js';

const STEPS = [1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

export const SCALE_HEADER = [
  'items',
  'rows',
  'items on disk',
  'vectors on disk',
  'memory',
  'servers',
  'ingest',
  'index builds',
  'into indexes',
  'embedding',
  'search',
] as const;

/** A line for each step from ten thousand items to a billion; docs/scale.md has the same table. */
export function scaleTable(
  shape: Omit<CatalogueShape, 'items'> = DEFAULT_SHAPE,
  machines: Machines = DEFAULT_MACHINES,
): string[][] {
  return STEPS.map((items) => line(planCatalogue({ ...shape, items }, machines)));
}

function line({ shape, relations, bytes, searched, nodes, hours, search }: CataloguePlan): string[] {
  const rows = relations.reduce((sum, one) => (one.kind === 'table' ? sum + one.rows : sum), 0);
  return [
    amount(shape.items),
    amount(rows),
    size(bytes.total - bytes.vectors),
    size(bytes.vectors),
    size(searched.vectors + searched.items),
    nodes.workers === null ? `above ${MOST_SHARDS}` : String(nodes.workers),
    duration(hours.ingest),
    duration(hours.indexCore),
    duration(hours.insertCore),
    duration(hours.embedding),
    search === null ? 'not measured' : `${search.byVector} ms`,
  ];
}
