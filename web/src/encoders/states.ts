import type { EncoderRowFragment } from '../__generated__/operations.js';

export type EncoderStateName = EncoderRowFragment['state'];

const WORKING: ReadonlySet<EncoderStateName> = new Set(['QUEUED', 'TRAINING', 'EMBEDDING']);

/** States of versions that the catalogue is embedded with. */
export const SEARCHABLE: readonly EncoderStateName[] = ['READY', 'ACTIVE', 'RETIRED'];

/** Whether the server works on a version, or is going to. */
export function isWorking(state: EncoderStateName): boolean {
  return WORKING.has(state);
}

/** Whether the catalogue is embedded with a version, so that it can be searched with, evaluated and activated. */
export function isSearchable(state: EncoderStateName): boolean {
  return SEARCHABLE.includes(state);
}

/** The mean of both directions; null if neither was measured. */
export function meanMap(
  figures: { readonly i2tMap: number | null; readonly t2iMap: number | null } | undefined,
) {
  const known = [figures?.i2tMap, figures?.t2iMap].filter((each) => each != null);
  return known.length === 0 ? null : known.reduce((sum, each) => sum + each, 0) / known.length;
}
