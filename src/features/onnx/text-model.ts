import { badModel } from '../model-files.js';
import type { TextExtractor } from '../text/text-extractor.js';
import type { TextExtractorInfo } from '../types.js';
import { openModelFolder } from './model-folder.js';
import type { FolderModel } from './model-name.js';
import { chooseOutput, type Pooling, readPooling, toFeatures } from './pooling.js';
import { type Graph, loadGraph, type ModelInput } from './session.js';
import { type Encoded, loadTokens, type Tokens } from './tokens.js';

/** Tokens in one run of the graph, which bounds the memory of its activations. */
const RUN_TOKENS = 2048;
/** Inputs that are known: the ids, which tokens count, and which of two texts they belong to. */
const VALUES: Readonly<Record<string, ((id: number, counts: boolean) => number) | undefined>> = {
  input_ids: (id) => id,
  attention_mask: (_, counts) => (counts ? 1 : 0),
  token_type_ids: () => 0,
};

interface Parts {
  readonly graph: Graph;
  readonly output: string;
  readonly pooling: Pooling;
  readonly tokens: Tokens;
}

/** The text side of an ONNX model on disk as an extractor. */
export class OnnxTextModel implements TextExtractor {
  private constructor(
    readonly info: TextExtractorInfo,
    private readonly parts: Parts,
  ) {}

  /** @throws CommonspaceError BAD_MODEL that names the file and the field; PACKAGE_MISSING */
  static async load(model: FolderModel): Promise<OnnxTextModel> {
    const folder = await openModelFolder(model, 'TEXT');
    const graph = await loadGraph(folder.graph);
    try {
      const unknown = graph.inputs.filter((name) => VALUES[name] === undefined);
      if (!graph.inputs.includes('input_ids') || unknown.length > 0)
        throw badModel(
          graph.file,
          `must have the input input_ids, and none besides ${Object.keys(VALUES).join(', ')}; it has ${graph.inputs.join(', ')}`,
        );
      const tokens = await loadTokens(folder, graph.fixedSize('input_ids', 1));
      const parts = {
        graph,
        tokens,
        output: chooseOutput(graph, folder, 'TEXT'),
        pooling: readPooling(folder, 'TEXT'),
      };
      const [trial] = await run([tokens.encode('a trial')], parts);
      const info: TextExtractorInfo = {
        id: `${folder.name}.text@${folder.hash}`,
        modality: 'TEXT',
        dimension: trial?.length ?? 0,
        description: `the ONNX model in ${folder.folder}`,
        space: folder.isTwoTower ? `${folder.name}@${folder.hash}` : null,
      };
      return new OnnxTextModel(info, parts);
    } catch (error) {
      await graph.release();
      throw error;
    }
  }

  /** Runs texts with equally many tokens together, so that no text is padded to the longest of its batch. */
  async extract(texts: readonly string[]): Promise<Float32Array[]> {
    const encoded = texts.map((text) => this.parts.tokens.encode(text));
    const features: Float32Array[] = new Array(texts.length);
    for (const group of groupsOf(encoded, this.parts.graph.mostAtOnce)) {
      const made = await run(
        group.map((i) => encoded[i] as Encoded),
        this.parts,
      );
      group.forEach((index, i) => {
        features[index] = made[i] as Float32Array;
      });
    }
    return features;
  }

  dispose(): Promise<void> {
    return this.parts.graph.release();
  }
}

/** Indices of texts with equally many tokens, as many as fit into one run. */
function groupsOf(encoded: readonly Encoded[], most: number): number[][] {
  const byLength = new Map<number, number[]>();
  encoded.forEach(({ ids: { length } }, i) => {
    const known = byLength.get(length);
    if (known === undefined) byLength.set(length, [i]);
    else known.push(i);
  });
  return [...byLength].flatMap(([length, indices]) => {
    const size = Math.min(most, Math.max(1, Math.floor(RUN_TOKENS / length)));
    return Array.from({ length: Math.ceil(indices.length / size) }, (_, g) =>
      indices.slice(g * size, (g + 1) * size),
    );
  });
}

/** @param texts with equally many tokens */
async function run(texts: readonly Encoded[], { graph, output, pooling }: Parts): Promise<Float32Array[]> {
  const dims = [texts.length, texts[0]?.ids.length ?? 0];
  const flat = texts.flatMap(({ ids, counted }) => ids.map((id, i) => ({ id, counts: i < counted })));
  const inputs = Object.fromEntries(
    graph.inputs.map((name): [string, ModelInput] => {
      const value = VALUES[name] as (id: number, counts: boolean) => number;
      const data = BigInt64Array.from(flat, ({ id, counts }) => BigInt(value(id, counts)));
      return [name, { type: 'int64', data, dims }];
    }),
  );
  const made = await graph.run(inputs, output);
  if (made.dims.length > 2 && texts.some(({ ids, counted }) => counted < ids.length))
    throw badModel(graph.file, 'fixes the number of tokens, so the vectors of its tokens cannot be pooled');
  return toFeatures(graph.file, made, pooling);
}
