/** What models in the layouts of real exports have in common; their weights come from a formula. */
import { type Constant, type GraphNode, onnxModel } from './onnx.js';

/** Width of a token's vector, and of an embedding. */
export const LAYOUT_WIDTH = 8;

/** A number between −1 and 1 for each index: a formula, so that files and expectations agree. */
export const wave = (seed: number) => (_: unknown, i: number) => Math.sin(seed + 1.7 * i);
export const filled = (name: string, seed: number, ...dims: number[]): Constant => ({
  name,
  dims,
  values: Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, wave(seed)),
});
export const integers = (name: string, ...values: number[]): Constant => ({
  name,
  dims: [values.length],
  values: BigInt64Array.from(values, BigInt),
});
export const op = (
  name: string,
  inputs: readonly string[],
  output: string,
  attributes: GraphNode['attributes'] = {},
): GraphNode => ({ op: name, inputs, outputs: [output], attributes });

/** A special token of a tokenizer.json. */
export const special = (content: string, id: number, strips = false) => ({
  id,
  content,
  single_word: false,
  lstrip: strips,
  rstrip: strips,
  normalized: false,
  special: true,
});

/** The mean of the pixels of each channel, widened by a matrix: [3, LAYOUT_WIDTH]. */
export const VISION_WEIGHTS = Float32Array.from({ length: 3 * LAYOUT_WIDTH }, wave(6));

/** An image tower with this output, and others before it. @param batch pictures in one run */
export function vision(output: string, also: readonly string[], batch: number | string): Uint8Array {
  return onnxModel({
    inputs: [{ name: 'pixel_values', type: 'float32', dims: [batch, 3, 224, 224] }],
    outputs: [
      ...also.map((name) => ({ name, type: 'float32' as const, dims: [batch, 1, 3] })),
      { name: output, type: 'float32', dims: [batch, LAYOUT_WIDTH] },
    ],
    constants: [{ name: 'w', dims: [3, LAYOUT_WIDTH], values: VISION_WEIGHTS }, integers('axis', 1)],
    nodes: [
      op('GlobalAveragePool', ['pixel_values'], 'mean'),
      op('Flatten', ['mean'], 'flat'),
      ...also.map((name) => op('Unsqueeze', ['flat', 'axis'], name)),
      op('MatMul', ['flat', 'w'], output),
    ],
  });
}
