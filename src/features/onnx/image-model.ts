import type { ImageExtractor } from '../image/image-extractor.js';
import { badModel } from '../model-files.js';
import type { ImageExtractorInfo, Pixels } from '../types.js';
import { openModelFolder } from './model-folder.js';
import type { FolderModel } from './model-name.js';
import { chooseOutput, type Pooling, readPooling, toFeatures } from './pooling.js';
import { type Preprocessing, pixelValues, readPreprocessing } from './preprocessing.js';
import { type Graph, loadGraph } from './session.js';

/** Pictures in one run of the graph, which bounds the memory of its activations. */
const RUN = 8;
const INPUT = 'pixel_values';

interface Parts {
  readonly graph: Graph;
  readonly output: string;
  readonly pooling: Pooling;
  readonly preprocessing: Preprocessing;
}

/** The image side of an ONNX model on disk as an extractor. */
export class OnnxImageModel implements ImageExtractor {
  private constructor(
    readonly info: ImageExtractorInfo,
    private readonly parts: Parts,
  ) {}

  /** @throws CommonspaceError BAD_MODEL that names the file and the field; PACKAGE_MISSING */
  static async load(model: FolderModel): Promise<OnnxImageModel> {
    const folder = await openModelFolder(model, 'IMAGE');
    const preprocessing = readPreprocessing(folder.folder);
    const graph = await loadGraph(folder.graph);
    try {
      const unknown = graph.inputs.filter((name) => name !== INPUT);
      if (!graph.inputs.includes(INPUT) || unknown.length > 0)
        throw badModel(
          graph.file,
          `must have the input ${INPUT} and no other; it has ${graph.inputs.join(', ')}`,
        );
      const parts = {
        graph,
        preprocessing,
        output: chooseOutput(graph, folder, 'IMAGE'),
        pooling: readPooling(folder, 'IMAGE'),
      };
      const { width, height } = preprocessing.input;
      const grey = { data: new Uint8Array(width * height * 3).fill(128), width, height };
      const [trial] = await extract([grey], parts);
      const info: ImageExtractorInfo = {
        id: `${folder.name}.image@${folder.hash}`,
        modality: 'IMAGE',
        dimension: trial?.length ?? 0,
        description: `the ONNX model in ${folder.folder}`,
        input: preprocessing.input,
        space: folder.isTwoTower ? `${folder.name}@${folder.hash}` : null,
      };
      return new OnnxImageModel(info, parts);
    } catch (error) {
      await graph.release();
      throw error;
    }
  }

  async extract(images: readonly Pixels[]): Promise<Float32Array[]> {
    const features: Float32Array[] = [];
    const size = Math.min(RUN, this.parts.graph.mostAtOnce);
    for (let start = 0; start < images.length; start += size) {
      features.push(...(await extract(images.slice(start, start + size), this.parts)));
    }
    return features;
  }

  dispose(): Promise<void> {
    return this.parts.graph.release();
  }
}

async function extract(
  images: readonly Pixels[],
  { graph, output, pooling, preprocessing }: Parts,
): Promise<Float32Array[]> {
  const { width, height } = preprocessing.crop;
  const data = pixelValues(images, preprocessing);
  const input = { type: 'float32', data, dims: [images.length, 3, height, width] } as const;
  return toFeatures(graph.file, await graph.run({ [INPUT]: input }, output), pooling);
}
