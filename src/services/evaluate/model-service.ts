import { BUILT_IN_MODELS, KNOWN_MODELS, type KnownModel } from '../../features/known-models.js';
import type { FeatureExtractors } from '../../features/types.js';
import { checkModel, type ModelCheck, type ModelCheckOptions } from './model-check.js';

/** A model that can be used, and what is known of it. */
export interface ListedModel extends Partial<KnownModel> {
  readonly name: string;
  readonly images: boolean;
  readonly texts: boolean;
  readonly from: 'built-in' | 'configuration' | 'known';
  /** What it is the default of new trainings for. */
  readonly inUse: readonly ('images' | 'texts')[];
}

/** Which models there are, and what they are worth on a folder. */
export class ModelService {
  /** @param configured names that callers of the API may train on, besides the built-in and configured ones */
  constructor(
    private readonly features: FeatureExtractors,
    private readonly configured: { readonly images: readonly string[]; readonly texts: readonly string[] },
  ) {}

  /** The built-in models, those that the configuration names, and others that are known. Nothing is downloaded. */
  list(): ListedModel[] {
    const { image, text } = this.features;
    const useOf = (name: string, id: string | null) => [
      ...(image.name === name || image.id === id ? (['images'] as const) : []),
      ...(text.name === name || text.id === id ? (['texts'] as const) : []),
    ];
    const builtIn = BUILT_IN_MODELS.map(({ id, ...model }) => ({
      ...model,
      from: 'built-in' as const,
      inUse: useOf(id, id),
    }));
    const images = new Set([image.name, ...this.configured.images]);
    const texts = new Set([text.name, ...this.configured.texts]);
    const known = new Map(KNOWN_MODELS.map((model) => [model.name, model]));
    const builtInNames = new Set(BUILT_IN_MODELS.flatMap(({ name, id }) => [name, id]));
    const configured = [...new Set([...images, ...texts])]
      .filter((name) => !builtInNames.has(name))
      .map((name): ListedModel => {
        const sides = { images: images.has(name), texts: texts.has(name) };
        return { name, ...sides, ...known.get(name), from: 'configuration', inUse: useOf(name, null) };
      });
    const others = KNOWN_MODELS.filter(({ name }) => !images.has(name) && !texts.has(name));
    return [
      ...builtIn,
      ...configured,
      ...others.map((model) => ({ ...model, from: 'known' as const, inUse: [] })),
    ];
  }

  /** Measures a model on a folder of pictures with a metadata.jsonl; see checkModel. */
  check(name: string, folder: string, options: ModelCheckOptions = {}): Promise<ModelCheck> {
    return checkModel(this.features, name, folder, options);
  }
}
