import { existsSync, readFileSync } from 'node:fs';
import { isAbsolute, join, resolve, sep } from 'node:path';
import { z } from 'zod';
import { badModel, type ModelJson, readJsonFile, weightFiles } from '../model-files.js';

/** The file next to model.json that describes the use of the model, unless `dir:PATH#FILE` names another. */
const DESCRIPTION_FILE = 'commonspace-model.json';

const number3 = z.union([z.number(), z.array(z.number()).length(3)]);
const divisor3 = number3.refine((std) => ![std].flat().includes(0), 'must not be 0');
const descriptionSchema = z.strictObject({
  /** The name and the version are parts of the extractor's id. Change one of them if the features change. */
  name: z.string().regex(/^[\w.+-]{1,64}$/, 'must have 1 to 64 letters, digits, . + - _'),
  version: z.union([z.string().regex(/^[\w.+-]{1,32}$/), z.number()]).transform(String),
  input: z.strictObject({
    width: z.int().min(8).max(1024),
    height: z.int().min(8).max(1024),
    fit: z.enum(['fill', 'cover', 'contain']).default('contain'),
  }),
  /** Input of the model: (pixel − mean) / std, per channel or for all channels; pixels are 0 to 255. */
  scale: z.strictObject({ mean: number3, std: divisor3 }).default({ mean: 0, std: 255 }),
  /** Name of the layer or graph node to read; default: the model's output. */
  output: z.string().optional(),
  /** Whether to join the model's output with the colour histogram and the oriented gradients. */
  join: z.boolean().default(false),
});
/** The fields of a model.json that this code reads. tfjs checks the others. */
const manifestSchema = z.looseObject({
  modelTopology: z.looseObject({}),
  weightsManifest: z.array(
    z.looseObject({ paths: z.array(z.string()), weights: z.array(z.looseObject({})) }),
  ),
});
export type Description = z.infer<typeof descriptionSchema>;

/** The parts of `dir:PATH` or `dir:PATH#DESCRIPTION`. */
export interface DirectoryModelOptions {
  readonly folder: string;
  readonly description: string;
}

/** Parses the text after `dir:`. The description can be in another folder, for a model folder that is read-only. */
export function parseDirectory(spec: string): DirectoryModelOptions {
  const [folder = '', description] = spec.split('#', 2);
  return { folder: resolve(folder), description: resolve(description ?? join(folder, DESCRIPTION_FILE)) };
}

export function readDescription({ description }: DirectoryModelOptions): Description {
  const parsed = descriptionSchema.safeParse(readJsonFile(description));
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(
    (issue) => `${issue.path.join('.') || 'the object'} ${issue.message}`,
  );
  throw badModel(description, faults.join('; '), undefined, parsed.error.issues[0]?.path.map(String));
}

export function readModel(folder: string): { json: ModelJson; weights: Buffer } {
  const file = join(folder, 'model.json');
  const parsed = manifestSchema.safeParse(readJsonFile(file));
  if (!parsed.success) {
    throw badModel(file, 'is not a tfjs model: modelTopology or weightsManifest is missing');
  }
  const json = parsed.data as unknown as ModelJson;
  const shards = weightFiles(json).map((name) => {
    const path = resolve(folder, name);
    if (isAbsolute(name) || !path.startsWith(resolve(folder) + sep))
      throw badModel(file, `names ${name}, which is outside the folder`);
    if (!existsSync(path)) throw badModel(path, 'does not exist');
    return readFileSync(path);
  });
  return { json, weights: Buffer.concat(shards) };
}
