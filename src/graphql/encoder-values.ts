import type {
  ClassificationFigures,
  EncoderPart,
  EncoderPartKind,
  EncoderProgress as EncoderProgressValue,
  EncoderStage,
  EncoderState as EncoderStateName,
  EpochFigures,
  HeldOutFigures,
  LossValue,
  PromotionCheck as PromotionCheckValue,
  RetrievalFigures as RetrievalFiguresValue,
  TrainingRequest,
} from '../__generated__/resolver-types.js';
import type { PartShare } from '../domain/composition.js';
import type { PromotionCheck } from '../domain/encoder-record.js';
import type { EncoderProgress, EncoderState, EpochProgress } from '../domain/encoder-status.js';
import { type EvaluationRecord, figuresOf, type PartRecord } from '../domain/evaluation-record.js';
import { MODALITIES } from '../domain/modality.js';
import type { EncoderRow } from '../services/models.js';

/** Maps an encoder row to the types of the schema. */

const STATES = {
  queued: 'QUEUED',
  training: 'TRAINING',
  embedding: 'EMBEDDING',
  ready: 'READY',
  active: 'ACTIVE',
  retired: 'RETIRED',
  failed: 'FAILED',
  cancelled: 'CANCELLED',
} as const satisfies Record<EncoderState, EncoderStateName>;

export function stateName(state: EncoderState): EncoderStateName {
  return STATES[state];
}

export function readStates(names: readonly EncoderStateName[] | null | undefined): EncoderState[] | null {
  if (names == null) return null;
  return (Object.keys(STATES) as EncoderState[]).filter((state) => names.includes(STATES[state]));
}

const STAGES = {
  features: 'FEATURES',
  train: 'TRAIN',
  evaluate: 'EVALUATE',
  embed: 'EMBED',
} as const satisfies Record<EncoderProgress['stage'], EncoderStage>;

/** The progress of the current work; null if the encoder is not being worked on. */
export function progressOf(row: EncoderRow): EncoderProgressValue | null {
  if (!('progress' in row) || row.progress === null) return null;
  const { stage, done, all, epoch } = row.progress;
  return {
    stage: STAGES[stage],
    done,
    all,
    epoch: epoch?.epoch ?? null,
    epochs: epoch?.epochs ?? null,
    losses: lossValues(epoch?.losses ?? {}),
    validationMap: epoch?.validation ?? null,
    discriminatorAccuracy: epoch?.discriminatorAccuracy ?? null,
    pairsPerSecond: epoch?.pairsPerSecond ?? null,
    secondsLeft: epoch?.secondsLeft ?? null,
  };
}

export function epochFigures({ validation, losses, ...figures }: EpochProgress): EpochFigures {
  return { ...figures, losses: lossValues(losses), validationMap: validation };
}

function lossValues(losses: EpochProgress['losses']): LossValue[] {
  return Object.entries(losses).map(([term, value]) => ({ term, value }));
}

/** The outcome of the gate, with the maps of the untrained model beside the others. */
export function promotionOf(check: PromotionCheck | undefined): PromotionCheckValue | null {
  if (check === undefined) return null;
  const withUntrained = (part: 'seen' | 'unseen') =>
    check[part] && { ...check[part], untrained: check.zeroShot?.[part] ?? null };
  return { ...check, seen: withUntrained('seen'), unseen: withUntrained('unseen') };
}

export function requestOf(row: EncoderRow): TrainingRequest | null {
  const { request } = row;
  if (request === null) return null;
  const { preset, seed, unseen, holdout, epochs, options, activate, from = null } = request;
  return {
    preset,
    seed,
    unseenClasses: unseen,
    holdout,
    epochs,
    options: { ...options },
    activate: activate ?? true,
    from,
  };
}

const PART_KINDS = {
  codes: 'CODES',
  cca: 'CCA',
  posteriors: 'POSTERIORS',
  semantic: 'SEMANTIC',
  aligned: 'ALIGNED',
} as const satisfies Record<PartShare['kind'], EncoderPartKind>;

export function encoderPart({ kind, share }: PartShare): EncoderPart {
  return { kind: PART_KINDS[kind], share };
}

export function heldOut(part: PartRecord | null | undefined): HeldOutFigures | null {
  if (!part) return null;
  return {
    encoder: retrieval(part, 'masln'),
    cca: retrieval(part, 'cca'),
    chance: retrieval(part, 'chance'),
  };
}

function retrieval(
  { images, texts, methods }: PartRecord,
  method: 'masln' | 'cca' | 'chance',
): RetrievalFiguresValue {
  const figures = figuresOf(methods, method);
  return {
    images,
    texts,
    i2tMap: figures?.i2t['map@all'].value ?? null,
    t2iMap: figures?.t2i['map@all'].value ?? null,
    recallAt1: figures?.avg['recall@1'].value ?? null,
    recallAt10: figures?.avg['recall@10'].value ?? null,
  };
}

/** One entry for each modality, for seen and for unseen classes, if there are such items. */
export function classificationOf(
  figures: EvaluationRecord['classification'] | undefined,
): ClassificationFigures[] {
  if (!figures) return [];
  return MODALITIES.flatMap((modality) => {
    const { seen, unseen, harmonicMean } = figures[modality];
    return [
      ...(seen === null ? [] : [{ ...seen, modality, seen: true, harmonicMean }]),
      ...(unseen === null ? [] : [{ ...unseen, modality, seen: false, harmonicMean }]),
    ];
  });
}
