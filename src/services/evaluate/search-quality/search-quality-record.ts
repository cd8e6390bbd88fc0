import type { Modality } from '../../../domain/modality.js';
import type { CalibrationFigures, KeptFigures } from '../../../evaluation/calibration-figures.js';
import type { TextForm } from '../../../evaluation/query-forms.js';
import type { RankingFigures } from '../../../evaluation/ranking-figures.js';

/** IMAGE: a picture; CAPTION: a text that is not in the gallery. */
export type QueryForm = TextForm | 'image' | 'caption';

/** Each kind of evidence alone, CONTENT, COUNTERPART and LEXICAL by reciprocal ranks, and the search's own fusion. */
export const SEARCH_METHODS = ['CONTENT', 'COUNTERPART', 'LEXICAL', 'BORROWED', 'RRF', 'DEFAULT'] as const;
export type SearchMethod = (typeof SEARCH_METHODS)[number];

/** `held-out`: pairs that the encoder was not trained on. `every`: any pairs. */
export type QueryPool = 'held-out' | 'every';

/** One row of the tables: queries of one form, in one scenario, for results of one modality. */
export interface SearchQualityRow {
  readonly pool: QueryPool;
  readonly target: Modality;
  readonly form: QueryForm;
  /** Null where the catalogue's texts are in one language. */
  readonly language: string | null;
  /** Which items of the target have counterparts and titles: `all`, `half`, `none`, or one style, e.g. `vendor=google`. */
  readonly scenario: string;
  readonly queries: number;
  /** Null for evidence that no result has. */
  readonly methods: Readonly<Record<SearchMethod, RankingFigures | null>>;
  /** Of the first result by DEFAULT. */
  readonly calibration: CalibrationFigures;
  /** What `cutOff: AUTO` keeps of the first ten by DEFAULT. */
  readonly cutOff: KeptFigures;
}

export interface SearchQualityTotal {
  readonly pool: QueryPool;
  readonly target: Modality;
  readonly calibration: CalibrationFigures;
  readonly cutOff: KeptFigures;
}

export interface SearchQualityRecord {
  readonly encoder: string;
  readonly pairs: number;
  readonly heldOutPairs: number;
  readonly images: number;
  readonly texts: number;
  readonly seed: number;
  readonly resamples: number;
  readonly rows: readonly SearchQualityRow[];
  readonly totals: readonly SearchQualityTotal[];
  readonly notes: readonly string[];
  readonly seconds: number;
}
