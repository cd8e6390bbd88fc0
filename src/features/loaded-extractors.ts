import { CommonspaceError } from '../domain/errors.js';

/** An extractor in one thread. */
interface Loaded {
  readonly info: { readonly id: string };
  dispose(): void | Promise<void>;
}

/**
 * The extractors of one modality that a thread has loaded, by id. Tasks of a thread run one after another, so no extractor is disposed
 * while it is in use.
 */
export class LoadedExtractors<Extractor extends Loaded> {
  private readonly loaded = new Map<string, Promise<Extractor>>();

  /** @param load loads the extractor that the name refers to now */
  constructor(private readonly load: (name: string) => Promise<Extractor>) {}

  /**
   * The extractor of a name, loaded if necessary.
   *
   * @throws CommonspaceError BAD_MODEL if the name now refers to an extractor with another id. Its features must not be
   *   stored under the id that was opened.
   */
  get(name: string, id: string): Promise<Extractor> {
    const known = this.loaded.get(id);
    if (known !== undefined) return known;
    const loading = this.load(name).then(async (extractor) => {
      if (extractor.info.id === id) return extractor;
      await extractor.dispose();
      throw new CommonspaceError(
        'BAD_MODEL',
        `The model of the extractor ${id} has changed. Its id is now ${extractor.info.id}.`,
      );
    });
    this.loaded.set(id, loading);
    loading.catch(() => this.loaded.delete(id));
    return loading;
  }

  /** Loads an extractor and keeps it, unless one with the same id is loaded already. */
  async open(name: string): Promise<Extractor> {
    const extractor = await this.load(name);
    const known = this.loaded.get(extractor.info.id);
    if (known !== undefined) {
      await extractor.dispose();
      return await known;
    }
    this.loaded.set(extractor.info.id, Promise.resolve(extractor));
    return extractor;
  }

  async keepOnly(ids: readonly string[]): Promise<void> {
    for (const [id, loading] of this.loaded) {
      if (ids.includes(id)) continue;
      this.loaded.delete(id);
      await (await loading).dispose();
    }
  }
}
