import { useQuery } from '@tanstack/react-query';
import { NeighboursDocument } from '../__generated__/operations.js';
import { client } from '../api/client.js';
import { useMessages } from '../messages/index.js';
import type { Found } from '../search/use-search.js';
import { Section } from '../ui/section.js';
import { Strip } from './strip.js';

const COUNT = 16;
/** From this similarity in the common space on, two items of one modality are called nearly the same. */
const SAME = 0.97;

interface NeighboursProps {
  readonly id: string;
  /** Ids of items that are shown elsewhere. */
  readonly except: readonly string[];
}

/** The items that are closest in the common space: nearly the same ones, pictures, texts. */
export function Neighbours({ id, except }: NeighboursProps) {
  const t = useMessages();
  const shown = (found: readonly Found[]) => found.filter(({ item }) => !except.includes(item.id));
  const images = shown(useNeighbours(id, 'IMAGE'));
  const texts = shown(useNeighbours(id, 'TEXT'));
  const lists = [
    { name: t.item.same, items: [...images, ...texts].filter((found) => isSame(found)) },
    { name: t.item.closeImages, items: images.filter((found) => !isSame(found)) },
    { name: t.item.closeTexts, items: texts.filter((found) => !isSame(found)) },
  ];
  return lists.map(({ name, items }) =>
    items.length === 0 ? null : (
      <Section key={name} title={name}>
        <Strip items={items} />
      </Section>
    ),
  );
}

const isSame = ({ score }: Found) => (score ?? 0) >= SAME;

function useNeighbours(id: string, target: 'IMAGE' | 'TEXT'): readonly Found[] {
  const { data } = useQuery({
    queryKey: ['neighbours', id, target],
    queryFn: async ({ signal }) => {
      const { crossModalSearch } = await client.execute(
        NeighboursDocument,
        { id, target, first: COUNT },
        { signal },
      );
      return crossModalSearch.edges
        .filter(({ node }) => node.id !== id)
        .map(({ node, score }) => ({ item: node, score }));
    },
  });
  return data ?? [];
}
