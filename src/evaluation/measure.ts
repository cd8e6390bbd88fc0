import type { Composition } from '../domain/composition.js';
import type { SimilarityThreshold } from '../domain/encoder-record.js';
import type { EvaluationFigures, Method, PartRecord } from '../domain/evaluation-record.js';
import type { Matrix, RowFileRef } from '../domain/matrix.js';
import { scoreQueries } from '../domain/metrics-scores.js';
import {
  type TrainedSemanticMatching,
  trainSemanticMatching,
} from '../encoder/baselines/semantic-matching.js';
import { type CcaSource, fitCca, prepareCca } from '../encoder/baselines/train-cca.js';
import { loadEncoder } from '../encoder/inference/serialise.js';
import { takeRows } from '../encoder/math/matrix.js';
import type { CcaChoice } from '../encoder/training/choose-cca.js';
import { LEAST_PAIRS } from '../encoder/training/source-checks.js';
import { type OpenSource, openSource } from '../encoder/training/stored-source.js';
import type { Encoder, SourceSet } from '../encoder/types.js';
import { loadTensorBackend, type TensorBackend } from '../platform/tensor-backend.js';
import type { ResampleOptions } from './bootstrap.js';
import { type ClassTable, classificationFigures, type TrainingItems } from './classification-figures.js';
import {
  type EstimatedMethod,
  type EstimatedPart,
  estimatePart,
  harmonicMeans,
  methodFigures,
} from './estimates.js';
import { type EmbeddedPart, embedPart, type MeasuredPart } from './measured-part.js';
import { movedQueries } from './moved-queries.js';
import type { PairTable } from './pair-table.js';
import { isPart, partsOf } from './part-encoders.js';
import { calibrateThresholds } from './similarity-thresholds.js';
import { describeSpace, type SpaceDescription } from './space/describe-space.js';

export interface MeasureRequest {
  /** The encoder that is evaluated, then others to compare it with, as bytes. */
  readonly encoders: readonly { readonly method: Method; readonly bytes: Uint8Array }[];
  /** The training set of the encoders and of the baselines. */
  readonly source: SourceSet<Matrix | RowFileRef>;
  readonly seen: MeasuredPart | null;
  readonly unseen: MeasuredPart | null;
  /** For the rows on which the baselines choose their parameters. */
  readonly seed: number;
  /** Whether semantic matching is measured. */
  readonly semanticMatching: boolean;
  /** Draws of the bootstrap: the same rows get the same draws under the same seed. Null: no intervals. */
  readonly intervals: Omit<ResampleOptions, 'part'> | null;
  /** How far each query moves towards its best results, 0 to 1, for every method; see domain/feedback.ts. 0 if absent. */
  readonly feedback?: number;
  /** The names of the parts in the analysis of the space; null: the space is not analysed. */
  readonly space: Readonly<Record<'seen' | 'unseen', string>> | null;
  /** What the first encoder classifies, and among which classes; absent where classes are only labels. */
  readonly items?: {
    readonly classes: ClassTable;
    /** The training pairs, or a sample of many, and their rows in `source`. */
    readonly training: { readonly pairs: PairTable['pairs']; readonly rows: Int32Array };
    readonly held: { readonly seen: PairTable; readonly unseen: PairTable };
    /** Whether similarity thresholds of the first encoder are calibrated on the held-out items. */
    readonly thresholds: boolean;
  };
}

/** What the baselines chose on their validation rows. */
export interface BaselineChoices {
  readonly cca: Readonly<Record<'seen' | 'unseen', CcaChoice | null>>;
  /** Of seen classes. */
  readonly sm: SemanticMatchingChoice | null;
  readonly sm_unseen: SemanticMatchingChoice | null;
}

interface SemanticMatchingChoice {
  readonly image_l2: number;
  readonly text_l2: number;
  readonly similarity: string;
}

export interface Measured {
  readonly figures: EvaluationFigures;
  /** The same with the replicates of the intervals, to compute means and differences from. */
  readonly estimated: {
    readonly seen: EstimatedPart | null;
    readonly unseen: EstimatedPart | null;
    readonly harmonic: readonly EstimatedMethod[] | null;
  };
  readonly choices: BaselineChoices;
  /** What the embeddings of the first encoder consist of. */
  readonly composition: Composition;
  /** The tensor backend of the thread that measured. */
  readonly backend: TensorBackend['backend'];
  /** Of the first encoder; empty where they were not asked for, or where too few pairs were held out. */
  readonly thresholds: readonly SimilarityThreshold[];
  /** The analysis of the first encoder's space, with the results of each query; null where it was not asked for. */
  readonly spaces: Readonly<Record<'seen' | 'unseen', SpaceDescription | null>>;
}

export type MeasureStage = 'sm' | 'cca' | 'measure' | 'describe';

/** Upper limit of the baseline's canonical variates: as many as the encoder's own CCA part has. */
const CCA_DIMENSION = 128;

interface Candidate {
  readonly method: Method;
  readonly encoder: Pick<Encoder, 'embedMany'>;
}

interface EmbeddedMethod extends EmbeddedPart {
  readonly method: Method;
}

/**
 * Measures encoders, the parts of the first one, CCA and, if requested, semantic matching on the same rows. It blocks its thread:
 * `measureInThread` runs it in a worker.
 *
 * The baselines for the seen part choose their parameters on held-out pairs of the training set, those for the unseen part on
 * held-out classes, as an encoder for such classes does.
 */
export async function measure(
  request: MeasureRequest,
  onStage: (stage: MeasureStage) => void = () => {},
): Promise<Measured> {
  const { seed, items } = request;
  const source = openSource(request.source);
  const [own, ...others] = request.encoders;
  if (own === undefined) throw new RangeError('no encoder to measure');
  const candidateOf = ({ method, bytes }: typeof own) => ({ method, encoder: loadEncoder(bytes) });
  const first = candidateOf(own);
  const { composition, parts } = partsOf(own.bytes, source);
  let ccaSource: CcaSource | null = null;
  const ccaFor = async (part: MeasuredPart | null, validationBy: 'pairs' | 'classes') => {
    // Without training pairs, as where a shared space is adopted as it is, there is nothing to fit the baseline on.
    if (part === null || source.labels.length < LEAST_PAIRS) return null;
    onStage('cca');
    ccaSource ??= await prepareCca(source, { seed, dimension: CCA_DIMENSION });
    return await fitCca(ccaSource, validationBy);
  };
  const cca = { seen: await ccaFor(request.seen, 'pairs'), unseen: await ccaFor(request.unseen, 'classes') };
  const isClassified = new Set(source.labels.filter((label) => label >= 0)).size > 1;
  const smFor = async (part: MeasuredPart | null, validationBy: 'pairs' | 'classes') => {
    if (part === null || !request.semanticMatching || !isClassified) return null;
    onStage('sm');
    return await trainSemanticMatching(source, { seed, validationBy });
  };
  const sm = { seen: await smFor(request.seen, 'pairs'), unseen: await smFor(request.unseen, 'classes') };

  const measurePart = (name: 'seen' | 'unseen') => {
    const [part, baseline, matching] = [request[name], cca[name], sm[name]];
    if (part === null) return null;
    const candidates: Candidate[] = [
      first,
      ...parts,
      ...others.map(candidateOf),
      ...(matching === null ? [] : [{ method: 'sm' as const, encoder: matching.encoder }]),
      ...(baseline === null ? [] : [{ method: 'cca' as const, encoder: baseline.encoder }]),
    ];
    return measureCandidates(candidates, part, name, request, onStage);
  };
  const [seen, unseen] = [measurePart('seen'), measurePart('unseen')];
  const harmonic = seen && unseen ? harmonicMeans(seen.estimated, unseen.estimated) : null;
  const chosen = (name: 'seen' | 'unseen') =>
    cca[name] && {
      k: cca[name].k,
      regularisation: cca[name].regularisation,
      power: cca[name].power,
      length: cca[name].length,
    };
  return {
    figures: {
      seen: seen?.record ?? null,
      unseen: unseen?.record ?? null,
      harmonic: harmonic?.map(methodFigures) ?? null,
      classification: items
        ? classificationFigures(
            first.encoder,
            items.classes,
            trainingItems(source, items.training),
            items.held,
          )
        : null,
    },
    estimated: { seen: seen?.estimated ?? null, unseen: unseen?.estimated ?? null, harmonic },
    thresholds: items?.thresholds ? calibrateThresholds(first.encoder, items.held, seed) : [],
    spaces: { seen: seen?.space ?? null, unseen: unseen?.space ?? null },
    composition,
    backend: (await loadTensorBackend()).backend,
    choices: {
      cca: { seen: chosen('seen'), unseen: chosen('unseen') },
      sm: smChoice(sm.seen),
      sm_unseen: smChoice(sm.unseen),
    },
  };
}

function trainingItems(
  { image, text }: OpenSource,
  { pairs, rows }: NonNullable<MeasureRequest['items']>['training'],
): TrainingItems {
  return { pairs, image: takeRows(image, rows), text: takeRows(text, rows) };
}

function smChoice(trained: TrainedSemanticMatching | null): SemanticMatchingChoice | null {
  return trained && { image_l2: trained.l2.IMAGE, text_l2: trained.l2.TEXT, similarity: trained.similarity };
}

function measureCandidates(
  candidates: readonly Candidate[],
  part: MeasuredPart,
  name: 'seen' | 'unseen',
  request: MeasureRequest,
  onStage: (stage: MeasureStage) => void,
): {
  readonly record: PartRecord;
  readonly estimated: EstimatedPart;
  readonly space: SpaceDescription | null;
} {
  onStage('measure');
  const embedded = candidates.map(({ method, encoder }) => ({ method, ...embedPart(part, encoder) }));
  const scored = embedded.map(({ method, image, text }) => ({
    method,
    i2t: scoreQueries(movedQueries(image, text, request.feedback ?? 0), text),
    t2i: scoreQueries(movedQueries(text, image, request.feedback ?? 0), image),
  }));
  const estimated = estimatePart(scored, { ...(request.intervals ?? { seed: 0, resamples: 0 }), part: name });
  if (request.space !== null) onStage('describe');
  const [ours, ...others] = embedded as [EmbeddedMethod, ...EmbeddedMethod[]];
  const space =
    request.space &&
    describeSpace({
      ...ours,
      set: request.space[name],
      classNames: part.classNames,
      seenClasses: new Set(name === 'seen' ? part.classNames.keys() : []),
      // The parts have no curves of their own, to keep the report small.
      others: others.filter(({ method }) => !isPart(method)),
      seed: request.seed,
    });
  return { estimated, space, record: partRecord(part, estimated, space) };
}

function partRecord(
  { sides: { IMAGE, TEXT } }: MeasuredPart,
  { methods, counts }: EstimatedPart,
  space: SpaceDescription | null,
): PartRecord {
  const classes = new Set([...IMAGE.classes, ...TEXT.classes].filter((label) => label >= 0));
  return {
    images: IMAGE.classes.length,
    texts: TEXT.classes.length,
    classes: classes.size,
    counts,
    methods: methods.map(methodFigures),
    curves: space?.details.curves ?? [],
    perClass: space?.details.perClass ?? [],
  };
}
