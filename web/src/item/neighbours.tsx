import { useQuery } from '@tanstack/react-query';
import { NeighboursDocument } from '../__generated__/operations.js';
import { client } from '../api/client.js';
import { useMessages } from '../messages/index.js';
import { Section } from '../ui/section.js';
import { Strip } from './strip.js';

const COUNT = 16;
/** From this similarity in the common space on, two items of one modality are called nearly the same. */
const SAME = 0.97;

/** The items that are closest in the common space: nearly the same ones, pictures, texts. */
export function Neighbours({ id }: { readonly id: string }) {
  const t = useMessages();
  const images = useNeighbours(id, 'IMAGE');
  const texts = useNeighbours(id, 'TEXT');
  const lists = [
    { name: t.item.same, items: [...images, ...texts].filter(({ score }) => score >= SAME) },
    { name: t.item.closeImages, items: images.filter(({ score }) => score < SAME) },
    { name: t.item.closeTexts, items: texts.filter(({ score }) => score < SAME) },
  ];
  return lists.map(({ name, items }) =>
    items.length === 0 ? null : (
      <Section key={name} title={name}>
        <Strip items={items} />
      </Section>
    ),
  );
}

function useNeighbours(id: string, target: 'IMAGE' | 'TEXT') {
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
