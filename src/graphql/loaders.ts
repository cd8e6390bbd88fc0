import DataLoader from 'dataloader';
import type { Modality } from '../domain/modality.js';
import type { ClassRow, CounterpartsOf, ItemRow } from '../services/models.js';
import type { Explanation, ExplanationContext } from '../services/search/explanation-service.js';
import type { Services } from '../services/services.js';
import type { NodeModel } from './models.js';

/** Batched reads of one request. The keys of all nodes are loaded with one query for each loader. */
export interface Loaders {
  readonly classesOf: DataLoader<string, readonly ClassRow[]>;
  /** Items and classes by id, in any case of its letters. */
  readonly node: DataLoader<string, NodeModel | null>;
  readonly counterpartsOf: DataLoader<CounterpartsOf, readonly ItemRow[], string>;
  readonly counterpartCount: DataLoader<string, number>;
  readonly itemCount: DataLoader<
    { readonly classId: string; readonly modality: Modality | null },
    number,
    string
  >;
  /** Explanations of the edges of one page, by item id. All requested explanations are computed together. */
  readonly explanationOf: (page: ExplanationContext) => DataLoader<string, Explanation | null>;
  /** Ids of the classes that the active encoder was trained with. */
  readonly seen: () => Promise<ReadonlySet<string>>;
}

export function createLoaders({
  items,
  classes,
  explanations,
}: Pick<Services, 'items' | 'classes' | 'explanations'>): Loaders {
  const explained = new Map<ExplanationContext, DataLoader<string, Explanation | null>>();
  let seen: Promise<ReadonlySet<string>> | null = null;
  return {
    classesOf: new DataLoader(async (ids) => {
      const found = await items.classesOf(ids);
      return ids.map((id) => found.get(id) ?? []);
    }),
    node: new DataLoader(async (ids) => {
      const [itemRows, classRows] = await Promise.all([items.byIds(ids), classes.byIds(ids)]);
      const found = new Map<string, NodeModel>([...itemRows, ...classRows].map((row) => [row.id, row]));
      return ids.map((id) => found.get(id.toLowerCase()) ?? null);
    }),
    counterpartsOf: new DataLoader((pages) => items.counterparts(pages), {
      cacheKeyFn: ({ itemId, afterId, limit }) => `${itemId} ${afterId} ${limit}`,
    }),
    counterpartCount: new DataLoader(async (ids) => {
      const counts = await items.countCounterparts(ids);
      return ids.map((id) => counts.get(id) ?? 0);
    }),
    itemCount: new DataLoader(
      async (keys) => {
        const counts = new Map<Modality | null, Promise<ReadonlyMap<string, number>>>();
        for (const modality of new Set(keys.map((key) => key.modality))) {
          const ids = keys.filter((key) => key.modality === modality).map((key) => key.classId);
          counts.set(modality, classes.itemCounts(ids, modality));
        }
        return await Promise.all(
          keys.map(async (key) => (await counts.get(key.modality))?.get(key.classId) ?? 0),
        );
      },
      { cacheKeyFn: ({ classId, modality }) => `${classId} ${modality}` },
    ),
    explanationOf: (page) => {
      const loader =
        explained.get(page) ??
        new DataLoader(async (ids: readonly string[]) => {
          const found = await explanations.explain(page, ids);
          return ids.map((id) => found.get(id) ?? null);
        });
      explained.set(page, loader);
      return loader;
    },
    seen: () => {
      seen ??= classes.seenIds();
      return seen;
    },
  };
}
