import { existsSync, readFileSync } from 'node:fs';
import { isAbsolute, join, resolve, sep } from 'node:path';
import { z } from 'zod';
import { CommonspaceError } from '../../domain/errors.js';
import { type ModelJson, weightFiles } from '../model-files.js';

/** The file beside model.json that says how to use the model, unless `dir:PATH#FILE` names another. */
const DESCRIPTION_FILE = 'commonspace-model.json';

const number3 = z.union([z.number(), z.array(z.number()).length(3)]);
const divisor3 = number3.refine((std) => ![std].flat().includes(0), 'must not be 0');
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
  scale: z.strictObject({ mean: number3, std: divisor3 }).default({ mean: 0, std: 255 }),
  /** Name of the layer or graph node to read; the model's own output where left out. */
  output: z.string().optional(),
  /** Whether to join the model's output with colour histogram and oriented gradients. */
  join: z.boolean().default(false),
});
/** As much of a model.json as we read ourselves; tfjs reads the rest. */
const manifestSchema = z.looseObject({
  modelTopology: z.looseObject({}),
  weightsManifest: z.array(
    z.looseObject({ paths: z.array(z.string()), weights: z.array(z.looseObject({})) }),
  ),
});
export type Description = z.infer<typeof descriptionSchema>;

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
    throw badModel(file, 'is no tfjs model: it has no modelTopology or no weightsManifest');
  }
  const json = parsed.data as unknown as ModelJson;
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

export function reason(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split('\n', 1)[0] ?? '';
}

export function badModel(
  file: string,
  what: string,
  cause?: unknown,
  field: readonly string[] = [],
): CommonspaceError {
  return new CommonspaceError('BAD_MODEL', `${file}: ${what}.`, field, { cause });
}
