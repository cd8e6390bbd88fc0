import type { EvaluationRecord, MethodFigures } from '../../domain/evaluation-record.js';
import { type MapFigures, mapFigures } from './bundle-report.js';

/** map@all of the encoder and of the baselines on the same rows. */
interface PartReport extends MapFigures {
  readonly chance: MapFigures;
  readonly cca: MapFigures;
  /** Null where it was not measured. */
  readonly paper: MapFigures | null;
}

/** The JSON of `commonspace evaluate --json` without a bundle: map@all, then the whole record. */
export interface CatalogueReport {
  readonly protocol: 'held-out';
  readonly encoder: string;
  readonly preset: string;
  /** Held-out pairs of seen and of unseen classes; null for fewer than two pairs. */
  readonly seen: PartReport | null;
  readonly unseen: PartReport | null;
  readonly harmonic: PartReport | null;
  readonly run: string | null;
  readonly evaluation: EvaluationRecord;
}

export function catalogueReport(record: EvaluationRecord): CatalogueReport {
  const part = (methods: readonly MethodFigures[] | undefined | null): PartReport | null =>
    methods
      ? {
          ...mapFigures(methods, 'masln'),
          chance: mapFigures(methods, 'chance'),
          cca: mapFigures(methods, 'cca'),
          paper: methods.some(({ method }) => method === 'paper') ? mapFigures(methods, 'paper') : null,
        }
      : null;
  return {
    protocol: 'held-out',
    encoder: record.encoder,
    preset: record.preset,
    seen: part(record.seen?.methods),
    unseen: part(record.unseen?.methods),
    harmonic: part(record.harmonic),
    run: record.run,
    evaluation: record,
  };
}
