import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { GraphModel } from '@tensorflow/tfjs-converter';
import type { Tensor, Tensor4D } from '@tensorflow/tfjs-core';
import { CommonspaceError } from '../../domain/errors.js';
import { rowOf } from '../../domain/matrix.js';
import type { TensorBackend } from '../../platform/tensor-backend.js';
import { tfConverter } from '../../platform/tfjs-packages.js';
import { inMemory, type ModelJson } from '../model-files.js';
import type { ImageExtractorInfo, Pixels } from '../types.js';
import { joinUnit } from '../vectors.js';
import { HSV_HOG_DIMENSION, hsvHog } from './hsv-hog.js';
import type { ImageExtractor } from './image-extractor.js';
import { pixelTensor } from './pixel-tensor.js';

/**
 * Input size in pixels. The network was trained at 224. At 160 it takes half the time and retrieves small pictures as well;
 * docs/decisions/0004-features.md has the measurements for the size and the layers.
 */
const INPUT_SIZE = 160;

/** Layers whose activations are used, from low to high level, pooled over 2×2 regions or over the whole picture. */
const LAYERS = [
  { suffix: 'MobilenetV2/expanded_conv_12/add', channels: 136, regions: 2 },
  { suffix: 'MobilenetV2/expanded_conv_15/add', channels: 224, regions: 1 },
  { suffix: 'MobilenetV2/expanded_conv_16/project/BatchNorm/FusedBatchNormV3', channels: 448, regions: 1 },
] as const;

/** Weight of the network in the cosine of two features; the rest is colour and shape. */
const NETWORK_WEIGHT = 0.7;

/** Pictures in one run of the network. A larger batch only uses more memory. */
const RUN = 8;

export const MOBILENET_MID_EXTRACTOR: ImageExtractorInfo = {
  id: 'mobilenet-mid+hsv-hog@1',
  modality: 'IMAGE',
  dimension: LAYERS.reduce((sum, { channels, regions }) => sum + channels * regions ** 2, HSV_HOG_DIMENSION),
  description: 'three layers of a MobileNetV2 joined with colour histogram and oriented gradients',
  input: { width: INPUT_SIZE, height: INPUT_SIZE, fit: 'contain' },
};

/**
 * The default extractor, which needs no download: pooled activations of a MobileNetV2 (Sandler et al., 2018), joined with
 * hsvHog. The package nsfwjs contains the weights as a tfjs graph model. Only its weights are read; its code does not run.
 */
export class MobilenetMid implements ImageExtractor {
  readonly info = MOBILENET_MID_EXTRACTOR;

  private constructor(
    private readonly tf: TensorBackend['tf'],
    private readonly model: GraphModel,
    private readonly outputs: readonly string[],
  ) {}

  static async load({ tf }: TensorBackend): Promise<MobilenetMid> {
    const { json, weights } = readPackage();
    const outputs = LAYERS.map(({ suffix }) => nodeEndingIn(json, suffix));
    setInputSize(json, INPUT_SIZE);
    return new MobilenetMid(tf, await tfConverter().loadGraphModel(inMemory(json, weights)), outputs);
  }

  async extract(images: readonly Pixels[]): Promise<Float32Array[]> {
    const features: Float32Array[] = [];
    for (let start = 0; start < images.length; start += RUN) {
      features.push(...(await this.run(images.slice(start, start + RUN))));
    }
    return features;
  }

  dispose(): void {
    this.model.dispose();
  }

  private async run(images: readonly Pixels[]): Promise<Float32Array[]> {
    const { tf } = this;
    const pooled = tf.tidy(() => {
      const input = tf.div(pixelTensor(tf, images, INPUT_SIZE), 255);
      const name = this.model.inputs[0]?.name ?? 'input';
      const activations = this.model.execute({ [name]: input }, [...this.outputs]) as Tensor4D[];
      return activations.map((activation, i) => this.pool(activation, LAYERS[i]?.regions ?? 1));
    });
    try {
      const layers = await Promise.all(pooled.map((tensor) => tensor.data() as Promise<Float32Array>));
      return images.map((image, row) => {
        const parts = layers.map((data) => rowOf({ data, columns: data.length / images.length }, row));
        const network = joinUnit(parts.map((part) => ({ part, weight: 1 })));
        return joinUnit([
          { part: network, weight: NETWORK_WEIGHT },
          { part: hsvHog(image), weight: 1 - NETWORK_WEIGHT },
        ]);
      });
    } finally {
      tf.dispose(pooled);
    }
  }

  /** Mean activations in regions × regions parts of the picture: [images, regions² · channels]. */
  private pool(activation: Tensor4D, regions: number): Tensor {
    const { tf } = this;
    if (regions === 1) return tf.mean(activation, [1, 2]);
    const window = Math.floor(activation.shape[1] / regions);
    return tf.reshape(tf.avgPool(activation, window, window, 'valid'), [activation.shape[0], -1]);
  }
}

function readPackage(): { json: ModelJson; weights: Buffer } {
  const require = createRequire(import.meta.url);
  try {
    const folder = join(dirname(require.resolve('nsfwjs')), '..', 'models', 'mobilenet_v2_mid');
    // The files are modules that export the JSON, and the weights in base64.
    const json = structuredClone(require(join(folder, 'model.min.js'))) as ModelJson;
    const shards = ['group1-shard1of2.min.js', 'group1-shard2of2.min.js'];
    const weights = Buffer.concat(
      shards.map((file) => Buffer.from(require(join(folder, file)) as string, 'base64')),
    );
    return { json, weights };
  } catch (error) {
    throw new CommonspaceError(
      'EXTRACTOR_FAILED',
      'The image network of the package nsfwjs cannot be read.',
      [],
      {
        cause: error,
      },
    );
  }
}

interface GraphNode {
  readonly name: string;
  readonly op: string;
  readonly attr?: { shape?: { shape: { dim: { size: string }[] } } };
}

function nodesOf(json: ModelJson): readonly GraphNode[] {
  return json.modelTopology.node as readonly GraphNode[];
}

function nodeEndingIn(json: ModelJson, suffix: string): string {
  const node = nodesOf(json).find(({ name }) => name.endsWith(suffix));
  if (node === undefined)
    throw new CommonspaceError('EXTRACTOR_FAILED', `The image network has no layer ${suffix}.`);
  return node.name;
}

/** Changes the input size. The graph is convolutional up to the layers in use, so any multiple of its strides is valid. */
function setInputSize(json: ModelJson, size: number): void {
  const shape = nodesOf(json).find(({ op }) => op === 'Placeholder')?.attr?.shape?.shape;
  if (shape === undefined) throw new CommonspaceError('EXTRACTOR_FAILED', 'The image network has no input.');
  shape.dim = [-1, size, size, 3].map((dim) => ({ size: String(dim) }));
}
