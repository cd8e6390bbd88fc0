import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { isAbsolute, join, resolve, sep } from 'node:path';
import { type GraphModel, loadGraphModel } from '@tensorflow/tfjs-converter';
import type { Tensor } from '@tensorflow/tfjs-core';
import { type LayersModel, model as layersModel, loadLayersModel } from '@tensorflow/tfjs-layers';
import { z } from 'zod';
import { CommonspaceError } from '../../domain/errors.js';
import type { TensorBackend } from '../../platform/tensor-backend.js';
import { inMemory, type ModelJson, weightFiles } from '../model-files.js';
import type { ImageExtractorInfo, Pixels } from '../types.js';
import { joinUnit } from '../vectors.js';
import { HSV_HOG_DIMENSION, hsvHog } from './hsv-hog.js';
import type { ImageExtractor } from './image-extractor.js';
import { pixelTensor } from './pixel-tensor.js';

/** The file beside model.json that says how to use the model, unless `dir:PATH#FILE` names another. */
export const DESCRIPTION_FILE = 'commonspace-model.json';

/** Share of the model in a comparison where it is joined with colour and outline. */
const MODEL_WEIGHT = 0.7;
const RUN = 8;

const number3 = z.union([z.number(), z.array(z.number()).length(3)]);
const descriptionSchema = z.strictObject({
  /** Part of the extractor's id, with the version: change one of them whenever the model changes its meaning. */
  name: z.string().regex(/^[\w.+-]{1,64}$/, 'has 1 to 64 letters, digits, . + - _'),
  version: z.union([z.string().regex(/^[\w.+-]{1,32}$/), z.number()]).transform(String),
  input: z.strictObject({
    width: z.int().min(8).max(1024),
    height: z.int().min(8).max(1024),
    fit: z.enum(['fill', 'cover', 'contain']).default('contain'),
  }),
  /** What the model is fed: (pixel − mean) / std, per channel or for all, pixels being 0 to 255. */
  scale: z.strictObject({ mean: number3, std: number3 }).default({ mean: 0, std: 255 }),
  /** Name of the layer or graph node to read; the model's own output where left out. */
  output: z.string().optional(),
  /** Whether to join the model's output with colour histogram and oriented gradients. */
  join: z.boolean().default(false),
});
type Description = z.infer<typeof descriptionSchema>;

/** `PATH` or `PATH#DESCRIPTION`, as it stands behind `dir:`. */
export interface DirectoryModelOptions {
  readonly folder: string;
  readonly description: string;
}

/** Reads what stands behind `dir:`. The description may lie elsewhere, for a model folder that cannot be written to. */
export function parseDirectory(spec: string): DirectoryModelOptions {
  const [folder = '', description] = spec.split('#', 2);
  return { folder: resolve(folder), description: resolve(description ?? join(folder, DESCRIPTION_FILE)) };
}

/** Any tfjs graph or layers model on disk as an image extractor. */
export class DirectoryModel implements ImageExtractor {
  private constructor(
    readonly info: ImageExtractorInfo,
    private readonly tf: TensorBackend['tf'],
    private readonly description: Description,
    private readonly run: (input: Tensor) => Tensor,
    private readonly release: () => void,
  ) {}

  /** @throws CommonspaceError BAD_MODEL naming the file and field at fault. */
  static async load(options: DirectoryModelOptions, { tf }: TensorBackend): Promise<DirectoryModel> {
    const description = readDescription(options);
    const { json, weights } = readModel(options.folder);
    const { run, release } = await openModel(json, weights, description).catch((error: unknown) => {
      throw badModel(join(options.folder, 'model.json'), `cannot be loaded: ${reason(error)}`, error);
    });
    const hash = createHash('sha256')
      .update(weights)
      .update(JSON.stringify([json.modelTopology, description]));
    const width = probe(tf, run, description, options);
    const info: ImageExtractorInfo = {
      // The hash keeps two models apart that were given one name.
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

function readDescription({ description }: DirectoryModelOptions): Description {
  const parsed = descriptionSchema.safeParse(readJsonFile(description));
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(
    (issue) => `${issue.path.join('.') || 'the object'} ${issue.message}`,
  );
  throw badModel(description, faults.join('; '), undefined, parsed.error.issues[0]?.path.map(String));
}

function readModel(folder: string): { json: ModelJson; weights: Buffer } {
  const file = join(folder, 'model.json');
  const json = readJsonFile(file) as ModelJson;
  if (!Array.isArray(json.weightsManifest) || typeof json.modelTopology !== 'object') {
    throw badModel(file, 'is no tfjs model: it has no modelTopology or no weightsManifest');
  }
  const shards = weightFiles(json).map((name) => {
    const path = resolve(folder, name);
    if (isAbsolute(name) || !path.startsWith(resolve(folder) + sep))
      throw badModel(file, `names ${name}, outside the folder`);
    if (!existsSync(path)) throw badModel(path, 'is not there');
    return readFileSync(path);
  });
  return { json, weights: Buffer.concat(shards) };
}

function readJsonFile(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw badModel(file, `cannot be read (${(error as NodeJS.ErrnoException).code})`, error);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw badModel(file, `is not JSON: ${reason(error)}`, error);
  }
}

interface OpenModel {
  readonly run: (input: Tensor) => Tensor;
  readonly release: () => void;
}

async function openModel(json: ModelJson, weights: Buffer, { output }: Description): Promise<OpenModel> {
  if (!('node' in json.modelTopology)) {
    const whole: LayersModel = await loadLayersModel(inMemory(json, weights));
    const wanted = output === undefined ? whole.outputs : whole.getLayer(output).output;
    const cut = layersModel({ inputs: whole.inputs, outputs: wanted });
    return { run: (input) => cut.predict(input) as Tensor, release: () => whole.dispose() };
  }
  const graph: GraphModel = await loadGraphModel(inMemory(json, weights));
  const name = graph.inputs[0]?.name;
  if (name === undefined) throw new Error('it has no input');
  const run = (input: Tensor): Tensor => {
    const result = graph.execute({ [name]: input }, output);
    const [first] = Array.isArray(result) ? result : [result];
    if (first === undefined) throw new Error('it has no output');
    return first;
  };
  return { run, release: () => graph.dispose() };
}

/** Width of the features, by one run on a grey picture: what the model says of itself need not be so. */
function probe(
  tf: TensorBackend['tf'],
  run: (input: Tensor) => Tensor,
  description: Description,
  { folder, description: file }: DirectoryModelOptions,
): number {
  const { width, height } = description.input;
  const grey = { data: new Uint8Array(width * height * 3).fill(128), width, height };
  let columns: number | undefined;
  try {
    columns = tf.tidy(() => flatten(tf, run(scaled(tf, [grey], description))).shape[1]);
  } catch (error) {
    throw badModel(join(folder, 'model.json'), `cannot be run as ${file} says: ${reason(error)}`, error);
  }
  if (columns === undefined || columns < 1)
    throw badModel(file, 'output names a layer that gives nothing', undefined, ['output']);
  return columns;
}

function scaled(tf: TensorBackend['tf'], images: readonly Pixels[], { input, scale }: Description): Tensor {
  const channels = (value: number | number[]) => tf.tensor1d([value, value, value].flat().slice(0, 3));
  return tf.div(
    tf.sub(pixelTensor(tf, images, input.height, input.width), channels(scale.mean)),
    channels(scale.std),
  );
}

/** A map of activations becomes its mean over the picture; anything else is laid out flat. */
function flatten(tf: TensorBackend['tf'], output: Tensor): Tensor {
  return output.rank === 4 ? tf.mean(output, [1, 2]) : tf.reshape(output, [output.shape[0] ?? 1, -1]);
}

function reason(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split('\n', 1)[0] ?? '';
}

function badModel(
  file: string,
  what: string,
  cause?: unknown,
  field: readonly string[] = [],
): CommonspaceError {
  return new CommonspaceError('BAD_MODEL', `${file}: ${what}.`, field, { cause });
}
