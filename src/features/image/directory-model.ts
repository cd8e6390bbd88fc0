import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { GraphModel } from '@tensorflow/tfjs-converter';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { TensorBackend } from '../../platform/tensor-backend.js';
import { tfConverter, tfLayers } from '../../platform/tfjs-packages.js';
import { badModel, inMemory, type ModelJson, reason } from '../model-files.js';
import type { ImageExtractorInfo, Pixels } from '../types.js';
import { joinUnit } from '../vectors.js';
import {
  type Description,
  type DirectoryModelOptions,
  readDescription,
  readModel,
} from './directory-files.js';
import { HSV_HOG_DIMENSION, hsvHog } from './hsv-hog.js';
import type { ImageExtractor } from './image-extractor.js';
import { pixelTensor } from './pixel-tensor.js';

/** Weight of the model's output where it is joined with colour and shape. */
const MODEL_WEIGHT = 0.7;
const RUN = 8;

/** A tfjs graph or layers model on disk as an image extractor. */
export class DirectoryModel implements ImageExtractor {
  private constructor(
    readonly info: ImageExtractorInfo,
    private readonly tf: TensorBackend['tf'],
    private readonly description: Description,
    private readonly run: (input: Tensor) => Tensor,
    private readonly release: () => void,
  ) {}

  /** @throws CommonspaceError BAD_MODEL that names the file and the field. */
  static async load(options: DirectoryModelOptions, { tf }: TensorBackend): Promise<DirectoryModel> {
    const description = readDescription(options);
    const { json, weights } = readModel(options.folder);
    checkOutput(json, description, options);
    const { run, release } = await openModel(json, weights, description).catch((error: unknown) => {
      throw badModel(join(options.folder, 'model.json'), `cannot be loaded: ${reason(error)}`, error);
    });
    const hash = createHash('sha256')
      .update(weights)
      .update(JSON.stringify([json.modelTopology, description]));
    const width = probe(tf, { run, release }, description, options);
    const info: ImageExtractorInfo = {
      // The hash distinguishes models with the same name and version.
      id: `${description.name}@${description.version}-${hash.digest('hex').slice(0, 8)}`,
      modality: 'IMAGE',
      dimension: width + (description.join ? HSV_HOG_DIMENSION : 0),
      description: `the tfjs model in ${options.folder}`,
      input: description.input,
    };
    return new DirectoryModel(info, tf, description, run, release);
  }

  async extract(images: readonly Pixels[]): Promise<Float32Array[]> {
    const features: Float32Array[] = [];
    for (let start = 0; start < images.length; start += RUN) {
      features.push(...(await this.extractSome(images.slice(start, start + RUN))));
    }
    return features;
  }

  dispose(): void {
    this.release();
  }

  private async extractSome(images: readonly Pixels[]): Promise<Float32Array[]> {
    const output = this.tf.tidy(() => flatten(this.tf, this.run(scaled(this.tf, images, this.description))));
    try {
      const data = (await output.data()) as Float32Array;
      const width = data.length / images.length;
      return images.map((image, i) => {
        const part = data.slice(i * width, (i + 1) * width);
        const others = this.description.join ? [{ part: hsvHog(image), weight: 1 - MODEL_WEIGHT }] : [];
        return joinUnit([{ part, weight: MODEL_WEIGHT }, ...others]);
      });
    } finally {
      output.dispose();
    }
  }
}

/** Checks `output` here, because the error of tfjs names neither the file nor the field. */
function checkOutput(
  { modelTopology }: ModelJson,
  { output }: Description,
  { description }: DirectoryModelOptions,
): void {
  if (output === undefined) return;
  // `name:0` is an output of the graph node `name`.
  const name = isGraph(modelTopology) ? output.replace(/:\d+$/, '') : output;
  if (namesIn(modelTopology).has(name)) return;
  throw badModel(description, `output is ${output}, which the model does not have`, undefined, ['output']);
}

function isGraph(topology: ModelJson['modelTopology']): boolean {
  return 'node' in topology;
}

/** All values of fields called `name` in a model, which include its nodes or layers. */
function namesIn(value: unknown, into = new Set<string>()): Set<string> {
  if (typeof value !== 'object' || value === null) return into;
  if ('name' in value && typeof value.name === 'string') into.add(value.name);
  for (const part of Object.values(value)) namesIn(part, into);
  return into;
}

interface OpenModel {
  readonly run: (input: Tensor) => Tensor;
  readonly release: () => void;
}

async function openModel(json: ModelJson, weights: Buffer, { output }: Description): Promise<OpenModel> {
  if (!isGraph(json.modelTopology)) {
    const whole: LayersModel = await tfLayers().loadLayersModel(inMemory(json, weights));
    const wanted = output === undefined ? whole.outputs : whole.getLayer(output).output;
    const cut = tfLayers().model({ inputs: whole.inputs, outputs: wanted });
    return { run: (input) => cut.predict(input) as Tensor, release: () => whole.dispose() };
  }
  const graph: GraphModel = await tfConverter().loadGraphModel(inMemory(json, weights));
  const name = graph.inputs[0]?.name;
  if (name === undefined) throw new Error('the model has no input');
  const run = (input: Tensor): Tensor => {
    const result = graph.execute({ [name]: input }, output);
    const [first] = Array.isArray(result) ? result : [result];
    if (first === undefined) throw new Error('the model has no output');
    return first;
  };
  return { run, release: () => graph.dispose() };
}

/** Length of the features, measured on a grey picture, because a model's declared shapes can be wrong. */
function probe(
  tf: TensorBackend['tf'],
  { run, release }: OpenModel,
  description: Description,
  { folder, description: file }: DirectoryModelOptions,
): number {
  const { width, height } = description.input;
  const grey = { data: new Uint8Array(width * height * 3).fill(128), width, height };
  let columns: number | undefined;
  try {
    columns = tf.tidy(() => flatten(tf, run(scaled(tf, [grey], description))).shape[1]);
  } catch (error) {
    release();
    throw badModel(join(folder, 'model.json'), `cannot be run as ${file} describes: ${reason(error)}`, error);
  }
  if (columns === undefined || columns < 1)
    throw badModel(file, 'output names a layer without values', undefined, ['output']);
  return columns;
}

function scaled(tf: TensorBackend['tf'], images: readonly Pixels[], { input, scale }: Description): Tensor {
  const channels = (value: number | number[]) => tf.tensor1d([value, value, value].flat().slice(0, 3));
  return tf.div(
    tf.sub(pixelTensor(tf, images, input.height, input.width), channels(scale.mean)),
    channels(scale.std),
  );
}

/** Averages a map of activations over the picture; reshapes any other output to [images, width]. */
function flatten(tf: TensorBackend['tf'], output: Tensor): Tensor {
  return output.rank === 4 ? tf.mean(output, [1, 2]) : tf.reshape(output, [output.shape[0] ?? 1, -1]);
}
