/** Pictures and texts for the queries that a report tells of: looked up when everything else is done, for those few alone. */
import type { ItemFace, QueryStory, SpaceDetails } from '../evaluation/space/space-details.js';

/** What an item looks like or says; null for what is not known. */
export type FaceOf = (face: ItemFace) => Promise<Pick<ItemFace, 'picture' | 'text'>>;

/** The same details with pictures and texts in the stories; each item is asked for once. */
export async function withFaces(details: SpaceDetails, faceOf: FaceOf): Promise<SpaceDetails> {
  const asked = new Map<string, Promise<Pick<ItemFace, 'picture' | 'text'>>>();
  const dress = async <F extends ItemFace>(face: F): Promise<F> => {
    const key = `${face.modality} ${face.row}`;
    const known = asked.get(key) ?? faceOf(face);
    asked.set(key, known);
    return { ...face, ...(await known) };
  };
  const dressAll = (stories: readonly QueryStory[]) =>
    Promise.all(
      stories.map(async (one) => ({
        ...one,
        query: await dress(one.query),
        results: await Promise.all(one.results.map(dress)),
      })),
    );
  return { ...details, best: await dressAll(details.best), worst: await dressAll(details.worst) };
}
