import { badModel } from '../model-files.js';
import type { TextExtractor } from '../text/text-extractor.js';
import type { TextExtractorInfo } from '../types.js';
import { openModelFolder } from './model-folder.js';
import type { FolderModel } from './model-name.js';
import { chooseOutput, type Pooling, readPooling, toFeatures } from './pooling.js';
import { type Graph, loadGraph, type ModelInput } from './session.js';
import { loadTokens, type Tokens } from './tokens.js';

/** Tokens in one run of the graph, which bounds the memory of its activations. */
const RUN_TOKENS = 2048;
/** Inputs that are known: the ids, which tokens count, and which of two texts they belong to. */
const VALUES: Readonly<Record<string, ((id: number) => number) | undefined>> = {
  input_ids: (id) => id,
  attention_mask: () => 1,
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
    const tokens = await loadTokens(folder);
    const graph = await loadGraph(folder.graph);
    try {
      const unknown = graph.inputs.filter((name) => VALUES[name] === undefined);
      if (!graph.inputs.includes('input_ids') || unknown.length > 0)
        throw badModel(
          graph.file,
          `must have the input input_ids, and none besides ${Object.keys(VALUES).join(', ')}; it has ${graph.inputs.join(', ')}`,
        );
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

  /** Runs texts with equally many tokens together, so that no text is padded and none depends on its batch. */
  async extract(texts: readonly string[]): Promise<Float32Array[]> {
    const encoded = texts.map((text) => this.parts.tokens.encode(text));
    const features: Float32Array[] = new Array(texts.length);
    for (const group of groupsOf(encoded)) {
      const made = await run(
        group.map((i) => encoded[i] as number[]),
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
function groupsOf(encoded: readonly (readonly number[])[]): number[][] {
  const byLength = new Map<number, number[]>();
  encoded.forEach(({ length }, i) => {
    const known = byLength.get(length);
    if (known === undefined) byLength.set(length, [i]);
    else known.push(i);
  });
  return [...byLength].flatMap(([length, indices]) => {
    const size = Math.max(1, Math.floor(RUN_TOKENS / length));
    return Array.from({ length: Math.ceil(indices.length / size) }, (_, g) =>
      indices.slice(g * size, (g + 1) * size),
    );
  });
}

/** @param ids of equal length */
async function run(
  ids: readonly (readonly number[])[],
  { graph, output, pooling }: Parts,
): Promise<Float32Array[]> {
  const dims = [ids.length, ids[0]?.length ?? 0];
  const flat = ids.flat();
  const inputs = Object.fromEntries(
    graph.inputs.map((name): [string, ModelInput] => {
      const value = VALUES[name] as (id: number) => number;
      return [name, { type: 'int64', data: BigInt64Array.from(flat, (id) => BigInt(value(id))), dims }];
    }),
  );
  return toFeatures(graph.file, await graph.run(inputs, output), pooling);
}
