/** Pictures and texts of the items in the query examples. They are looked up last, for these few items only. */
import type { ItemPreview, QueryExample, SpaceDetails } from '../evaluation/space/space-details.js';

type Preview = Pick<ItemPreview, 'picture' | 'text'>;

/** Looks up the picture and the text of an item; null for what is unknown. */
export type PreviewOf = (item: ItemPreview) => Promise<Preview>;

/** Adds pictures and texts to the query examples. Each item is looked up once. */
export async function withPreviews(details: SpaceDetails, previewOf: PreviewOf): Promise<SpaceDetails> {
  const lookups = new Map<string, Promise<Preview>>();
  const fill = async <Item extends ItemPreview>(item: Item): Promise<Item> => {
    const key = `${item.modality} ${item.row}`;
    const lookup = lookups.get(key) ?? previewOf(item);
    lookups.set(key, lookup);
    return { ...item, ...(await lookup) };
  };
  const fillAll = (examples: readonly QueryExample[]) =>
    Promise.all(
      examples.map(async (example) => ({
        ...example,
        query: await fill(example.query),
        results: await Promise.all(example.results.map(fill)),
      })),
    );
  return { ...details, best: await fillAll(details.best), worst: await fillAll(details.worst) };
}
