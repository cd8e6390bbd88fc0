/**
 * Writes ONNX files: the protobuf messages of onnx.proto3 that small graphs need. Field numbers are those of the format's
 * definition.
 */

type Bytes = readonly number[];

function varint(value: number): number[] {
  const out: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    out.push(rest === 0n ? low : low | 0x80);
  } while (rest !== 0n);
  return out;
}

const int = (field: number, value: number): number[] => [...varint(field << 3), ...varint(value)];
const bytes = (field: number, value: Bytes): number[] => [
  ...varint((field << 3) | 2),
  ...varint(value.length),
  ...value,
];
const text = (field: number, value: string): number[] => bytes(field, [...Buffer.from(value, 'utf8')]);
const raw = (array: ArrayBufferView): number[] => [
  ...new Uint8Array(array.buffer, array.byteOffset, array.byteLength),
];

const FLOAT = 1;
const INT64 = 7;
/** Where the values of a tensor are. */
const EXTERNAL = 1;

type Dimension = number | string;

/** A tensor with values, as an initializer: in the graph, or float32 in a file beside it. */
export type Constant = {
  readonly name: string;
  readonly dims: readonly number[];
} & (
  | { readonly values: Float32Array | BigInt64Array }
  | { readonly file: string; readonly offset: number; readonly length: number }
);

export interface GraphNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Integers, lists of integers, or floats (`{ float }`). */
  readonly attributes?: Readonly<Record<string, number | readonly number[] | { readonly float: number }>>;
  /** Of the operator; that of the ONNX standard if absent. */
  readonly domain?: string;
}

export interface Value {
  readonly name: string;
  readonly type: 'float32' | 'int64';
  readonly dims: readonly Dimension[];
}

function tensor(constant: Constant): number[] {
  const shape = constant.dims.flatMap((dim) => int(1, dim));
  if ('values' in constant) {
    const type = int(2, constant.values instanceof Float32Array ? FLOAT : INT64);
    return [...shape, ...type, ...text(8, constant.name), ...bytes(9, raw(constant.values))];
  }
  const { file, offset, length } = constant;
  const entries = Object.entries({ location: file, offset, length });
  return [
    ...shape,
    ...int(2, FLOAT),
    ...text(8, constant.name),
    ...entries.flatMap(([key, value]) => bytes(13, [...text(1, key), ...text(2, String(value))])),
    ...int(14, EXTERNAL),
  ];
}

function attribute(name: string, value: number | readonly number[] | { readonly float: number }): number[] {
  if (typeof value === 'number') return [...text(1, name), ...int(3, value), ...int(20, 2)];
  if ('float' in value) {
    const four = raw(Float32Array.of(value.float));
    return [...text(1, name), ...varint((2 << 3) | 5), ...four, ...int(20, 1)];
  }
  return [...text(1, name), ...value.flatMap((one) => int(8, one)), ...int(20, 7)];
}

function node({ op, inputs, outputs, attributes = {}, domain = '' }: GraphNode): number[] {
  return [
    ...inputs.flatMap((name) => text(1, name)),
    ...outputs.flatMap((name) => text(2, name)),
    ...text(4, op),
    ...Object.entries(attributes).flatMap(([name, value]) => bytes(5, attribute(name, value))),
    ...(domain === '' ? [] : text(7, domain)),
  ];
}

function valueInfo({ name, type, dims }: Value): number[] {
  const shape = dims.flatMap((dim) => bytes(1, typeof dim === 'number' ? int(1, dim) : text(2, dim)));
  const tensorType = [...int(1, type === 'float32' ? FLOAT : INT64), ...bytes(2, shape)];
  return [...text(1, name), ...bytes(2, bytes(1, tensorType))];
}

/** The bytes of a model with opset 17. */
export function onnxModel(graph: {
  readonly nodes: readonly GraphNode[];
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly constants: readonly Constant[];
}): Uint8Array {
  const graphBytes = [
    ...graph.nodes.flatMap((one) => bytes(1, node(one))),
    ...text(2, 'tiny'),
    ...graph.constants.flatMap((one) => bytes(5, tensor(one))),
    ...graph.inputs.flatMap((one) => bytes(11, valueInfo(one))),
    ...graph.outputs.flatMap((one) => bytes(12, valueInfo(one))),
  ];
  const domains = new Set(['', ...graph.nodes.map(({ domain = '' }) => domain)]);
  const opsets = [...domains].flatMap((domain) =>
    bytes(8, [...(domain === '' ? [] : text(1, domain)), ...int(2, domain === '' ? 17 : 1)]),
  );
  return Uint8Array.from([...int(1, 8), ...bytes(7, graphBytes), ...opsets]);
}
