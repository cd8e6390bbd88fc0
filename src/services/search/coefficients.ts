import { type FusionCoefficients, SHIPPED_COEFFICIENTS } from '../../domain/fusion.js';
import type { Modality } from '../../domain/modality.js';
import type { LoadedEncoder } from '../serving/active-encoder.js';

/** The coefficients for queries of a modality: those fitted with the encoder, or the shipped ones. */
export function coefficientsFor(
  queryModality: Modality | null,
  active: LoadedEncoder | null,
): FusionCoefficients {
  const modality = queryModality ?? 'TEXT';
  return active?.row.config.fusion?.[modality] ?? SHIPPED_COEFFICIENTS[modality];
}
