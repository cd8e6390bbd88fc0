/** What kind of content an item is, or a query is made of. */
export const MODALITIES = ['IMAGE', 'TEXT'] as const;
export type Modality = (typeof MODALITIES)[number];

/** The other modality: retrieval across modalities goes from one to the other. */
export function otherModality(modality: Modality): Modality {
  return modality === 'IMAGE' ? 'TEXT' : 'IMAGE';
}
