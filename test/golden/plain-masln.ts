/**
 * A second implementation of MASLN's objective, in float64 on arrays of arrays. It follows the formulas and shares no code with
 * the training graph. The golden test compares both.
 */
export type Rows = readonly (readonly number[])[];

export interface PlainNetwork {
  /** Parameter values by name, row-major. */
  readonly values: ReadonlyMap<string, Float64Array>;
  readonly widths: ReadonlyMap<string, number>;
  readonly slope: number;
  readonly hidden: number;
}

export interface PlainBatch {
  readonly image: Rows;
  readonly text: Rows;
  readonly noisyImage: Rows;
  readonly noisyText: Rows;
  readonly masks: Readonly<Record<'IMAGE' | 'TEXT', readonly Rows[]>>;
  /** −1 for none. */
  readonly labels: readonly number[];
  readonly groups: readonly number[];
  readonly classEmbeddings: Rows;
  readonly classes: number;
  readonly smoothing: number;
  readonly soft: number;
  readonly softTemperature: number;
  readonly pairTemperature: number;
  readonly classTemperature: number;
}

const matrix = (network: PlainNetwork, name: string): Rows => {
  const values = network.values.get(name) ?? new Float64Array();
  const width = network.widths.get(name) ?? 1;
  return Array.from({ length: values.length / width }, (_, i) => [
    ...values.subarray(i * width, (i + 1) * width),
  ]);
};
const vector = (network: PlainNetwork, name: string): readonly number[] => [
  ...(network.values.get(name) ?? []),
];
const cell = (rows: Rows, i: number, j: number): number => rows[i]?.[j] ?? 0;
const product = (a: Rows, b: Rows): number[][] =>
  a.map((row) => (b[0] ?? []).map((_, j) => row.reduce((sum, x, k) => sum + x * cell(b, k, j), 0)));
const total = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0);
const transposed = (a: Rows): number[][] => (a[0] ?? []).map((_, j) => a.map((row) => row[j] ?? 0));
const squares = (a: Rows, b: Rows): number =>
  total(a.flatMap((row, i) => row.map((x, j) => (x - cell(b, i, j)) ** 2)));

function standardised(x: Rows): number[][] {
  const columns = transposed(x).map((column) => {
    const mean = total(column) / column.length;
    const variance = total(column.map((v) => (v - mean) ** 2)) / column.length;
    return column.map((v) => (v - mean) / Math.sqrt(variance + 1e-5));
  });
  return transposed(columns);
}

const leaky = (x: number, slope: number): number => (x < 0 ? slope * x : x);

function codeOf(network: PlainNetwork, modality: 'IMAGE' | 'TEXT', batch: PlainBatch): number[][] {
  const input = modality === 'IMAGE' ? batch.noisyImage : batch.noisyText;
  let x: Rows = input;
  for (let i = 0; i < network.hidden; i += 1) {
    const scale = vector(network, `${modality}.${i}.scale`);
    const shift = vector(network, `${modality}.${i}.shift`);
    const mask = batch.masks[modality][i];
    x = standardised(product(x, matrix(network, `${modality}.${i}.weights`))).map((row, r) =>
      row.map(
        (v, j) => leaky(v * (scale[j] ?? 1) + (shift[j] ?? 0), network.slope) * (mask ? cell(mask, r, j) : 1),
      ),
    );
  }
  let code: Rows = product(x, matrix(network, `${modality}.code.weights`));
  if (network.values.has(`${modality}.skip.weights`)) {
    const beside = product(input, matrix(network, `${modality}.skip.weights`));
    code = code.map((row, i) => row.map((v, j) => v + cell(beside, i, j)));
  }
  return standardised(code);
}

function dense(network: PlainNetwork, name: string, x: Rows): number[][] {
  const bias = vector(network, `${name}.bias`);
  return product(x, matrix(network, `${name}.weights`)).map((row) => row.map((v, j) => v + (bias[j] ?? 0)));
}

function twoLayers(network: PlainNetwork, name: string, x: Rows): number[][] {
  const hidden = dense(network, `${name}.0`, x).map((row) => row.map((v) => leaky(v, network.slope)));
  return dense(network, `${name}.1`, hidden);
}

function logSoftmax(row: readonly number[]): number[] {
  const most = Math.max(...row);
  const log = most + Math.log(total(row.map((x) => Math.exp(x - most))));
  return row.map((x) => x - log);
}

const crossEntropy = (logits: Rows, targets: Rows): number =>
  -total(logits.flatMap((row, i) => logSoftmax(row).map((x, j) => x * cell(targets, i, j))));

const unit = (rows: Rows): number[][] =>
  rows.map((row) => row.map((x) => x / Math.sqrt(total(row.map((v) => v * v)) + 1e-12)));

function contrast(similarity: Rows, targets: Rows, temperature: number, rows: number): number {
  const logits = similarity.map((row) => row.map((x) => x / temperature));
  return (crossEntropy(logits, targets) + crossEntropy(transposed(logits), targets)) / rows / 2;
}

/** Each term of the objective, without its weight. */
export function plainLosses(network: PlainNetwork, batch: PlainBatch): Readonly<Record<string, number>> {
  const { labels, groups } = batch;
  const b = labels.length;
  const image = codeOf(network, 'IMAGE', batch);
  const text = codeOf(network, 'TEXT', batch);
  const labelled = labels.filter((label) => label >= 0).length;

  const rebuilt = (code: Rows, modality: 'IMAGE' | 'TEXT') =>
    twoLayers(
      network,
      `decoder.${modality}`,
      code.map((row, i) => [...row, ...(batch.classEmbeddings[i] ?? [])]),
    );
  const reconstruction =
    (squares(batch.image, rebuilt(image, 'IMAGE')) +
      squares(batch.text, rebuilt(image, 'TEXT')) +
      squares(batch.image, rebuilt(text, 'IMAGE')) +
      squares(batch.text, rebuilt(text, 'TEXT'))) /
    b;

  const imageProbability = (code: Rows) =>
    twoLayers(network, 'discriminator', code).map((row) => 1 / (1 + Math.exp(-(row[0] ?? 0))));
  const adversary =
    -(
      total(imageProbability(image).map((p) => Math.log(p))) +
      total(imageProbability(text).map((p) => Math.log(1 - p)))
    ) /
    b /
    2;

  const classTargets = labels.map((label) =>
    Array.from({ length: batch.classes }, (_, c) =>
      label < 0 ? 0 : (c === label ? 1 - batch.smoothing : 0) + batch.smoothing / batch.classes,
    ),
  );
  const semantics =
    (crossEntropy(dense(network, 'classifier', image), classTargets) +
      crossEntropy(dense(network, 'classifier', text), classTargets)) /
    labelled /
    2;

  const similarity = product(unit(image), transposed(unit(text)));
  const direction = unit(batch.text);
  const alike = product(direction, transposed(direction)).map((row) =>
    logSoftmax(row.map((x) => x / batch.softTemperature)).map(Math.exp),
  );
  const pairTargets = alike.map((row, i) =>
    row.map((x, j) => {
      const siblings = groups.filter((group) => group === groups[i]).length;
      return (groups[i] === groups[j] ? (1 - batch.soft) / siblings : 0) + batch.soft * x;
    }),
  );
  const same = labels.map((a) => labels.map((c) => (a >= 0 && a === c ? 1 : 0)));
  const shared = same.map((row) => row.map((x) => (x === 0 ? 0 : x / total(row))));
  const couples = labels.flatMap((a, i) =>
    labels.flatMap((c, j) => (a >= 0 && c >= 0 ? [[i, j] as const] : [])),
  );

  return {
    similarity: squares(image, text) / b,
    reconstruction,
    semantics,
    adversary,
    pairContrast: contrast(similarity, pairTargets, batch.pairTemperature, b),
    classContrast: contrast(similarity, shared, batch.classTemperature, labelled),
    classCosine:
      total(couples.map(([i, j]) => (cell(similarity, i, j) - cell(same, i, j)) ** 2)) / couples.length,
  };
}
