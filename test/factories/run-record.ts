import type { Estimates, Method, ModalityAccuracy } from '../../src/domain/evaluation-record.js';
import { METRIC_NAMES } from '../../src/domain/metric-values.js';
import type { RetrievalSide } from '../../src/domain/metrics.js';
import { describeSpace, type SpaceDescription } from '../../src/evaluation/space/describe-space.js';
import type { RunRecord, TableRow } from '../../src/reports/run-record.js';

const CLASSES = ['art', 'sport', 'music'];

/** Embeddings that lean towards their class's direction; the numbers repeat themselves, but are no clean grid. */
function leaning(phase: number, rows: number): RetrievalSide {
  const columns = 4;
  const data = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row += 1) {
    const vector = Array.from(
      { length: columns },
      (_, j) => Math.sin(7.3 * row + 3.1 * j + phase) + (j === row % 3 ? 1.5 : 0),
    );
    const norm = Math.hypot(...vector);
    data.set(
      vector.map((x) => x / norm),
      row * columns,
    );
  }
  const number = Int32Array.from({ length: rows }, (_, row) => row);
  return { embeddings: { data, rows, columns }, classes: number.map((row) => row % 3), pairs: number };
}

export function spaceDescription(set = 'test', classNames: readonly string[] = CLASSES): SpaceDescription {
  const sides = { image: leaning(0, 24), text: leaning(0.6, 24) };
  const cca = { method: 'cca' as const, image: leaning(0, 24), text: leaning(1.2, 24) };
  return describeSpace({
    set,
    method: 'masln',
    ...sides,
    classNames,
    seenClasses: new Set([0, 1]),
    others: [cca],
    seed: 0,
  });
}

const SPACE = spaceDescription();

function estimates(value: number, exact = false): Estimates {
  const one = exact ? { value, low: null, high: null } : { value, low: value - 0.02, high: value + 0.02 };
  return Object.fromEntries(METRIC_NAMES.map((name) => [name, one])) as unknown as Estimates;
}

export function tableRow(method: Method, value: number, over: Partial<TableRow> = {}): TableRow {
  const exact = method === 'chance';
  return {
    method,
    set: 'test',
    classes: 'seen',
    headline: true,
    i2t: estimates(value + 0.01, exact),
    t2i: estimates(value - 0.01, exact),
    avg: estimates(value, exact),
    seconds: exact ? null : 12.3,
    ...over,
  };
}

function accuracy(seen: number, unseen: number | null, harmonicMean: number | null): ModalityAccuracy {
  const group = (top1: number) => {
    const one = (classes: number) => ({ classes, top1, top5: 1, chance1: 1 / classes, chance5: 1 });
    return { items: 1234, amongAll: one(3), amongOwn: one(2), majority: 0.4 };
  };
  return { seen: group(seen), unseen: unseen === null ? null : group(unseen), harmonicMean };
}

export function runRecord(over: Partial<RunRecord> = {}): RunRecord {
  const epoch = (number: number) => ({
    member: 0,
    epoch: number,
    losses: { semantics: 2 / number, adversary: 0.7 },
    discriminatorAccuracy: 0.5 + 0.1 / number,
    validation: 0.3 - 0.1 / number,
  });
  return {
    format: 1,
    id: 'a-run',
    kind: 'bundle',
    title: 'a bundle',
    protocol: 'non-extendable',
    preset: 'default',
    createdAt: '2026-01-02T03:04:05.000Z',
    seconds: 75,
    config: { seeds: [0], options: { epochs: 3 } },
    manifest: {
      code: { name: 'commonspace', version: '1.2.3', commit: 'f'.repeat(40) },
      data: {
        sha256: 'a'.repeat(64),
        files: [{ name: 'img_train.npy', bytes: 1024, sha256: 'b'.repeat(64) }],
      },
      seeds: [0],
      packages: { 'ml-matrix': '6.15.1' },
      node: '20.20.2',
      platform: 'linux x64',
      backend: 'wasm',
      command: 'commonspace evaluate --bundle a --protocol non-extendable',
    },
    data: { trainingPairs: 2173, trainingClasses: 2, description: 'Features of a test.' },
    table: [tableRow('masln', 0.3), tableRow('cca', 0.25), tableRow('chance', 0.1)],
    trainings: [
      {
        label: 'seed 0',
        preset: 'default',
        seed: 0,
        epochs: [1, 2, 3].map(epoch),
        bestEpoch: 3,
        seconds: 12.3,
        notes: [],
      },
    ],
    spaces: [SPACE.details],
    classification: { IMAGE: accuracy(0.5, 0.25, 0.333), TEXT: accuracy(0.75, null, null) },
    notes: [],
    ...over,
  };
}
