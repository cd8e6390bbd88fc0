/** The kind of content of an item or a query. */
export const MODALITIES = ['IMAGE', 'TEXT'] as const;
export type Modality = (typeof MODALITIES)[number];

/** The modality that cross-modal retrieval finds for a query of this one. */
export function otherModality(modality: Modality): Modality {
  return modality === 'IMAGE' ? 'TEXT' : 'IMAGE';
}
