import type { RetrievalSide } from '../domain/metrics.js';
import { scoreQueries } from '../domain/metrics-scores.js';
import { MODALITIES } from '../domain/modality.js';
import { trainSemanticMatching } from '../encoder/baselines/semantic-matching.js';
import { trainCca } from '../encoder/baselines/train-cca.js';
import { loadEncoder } from '../encoder/inference/serialise.js';
import type { Encoder, SourceSet } from '../encoder/types.js';
import { loadTensorBackend, type TensorBackend } from '../platform/tensor-backend.js';
import type { ResampleOptions } from './bootstrap.js';
import {
  type ClassificationFigures,
  type ClassTable,
  classificationFigures,
  type Learnt,
} from './classification-figures.js';
import {
  type EstimatedMethod,
  type EstimatedPart,
  estimatePart,
  harmonicMeans,
  methodFigures,
} from './estimates.js';
import type { Method, MethodFigures, PartRecord } from './evaluation-record.js';
import type { MeasuredPart } from './measured-part.js';
import type { PairTable } from './source-set.js';
import { describeSpace, type Sides, type SpaceDescription } from './space/describe-space.js';
import type { SpaceDetails } from './space/space-details.js';

export interface MeasureRequest {
  /** The encoder that is evaluated first, then others to stand beside it, as bytes. */
  readonly encoders: readonly { readonly method: Method; readonly bytes: Uint8Array }[];
  /** What they learnt from: the baselines learn from the same. */
  readonly source: SourceSet;
  readonly seen: MeasuredPart | null;
  readonly unseen: MeasuredPart | null;
  /** What each part is called where it is shown. */
  readonly sets: Readonly<Record<'seen' | 'unseen', string>>;
  /** Whether semantic matching stands beside them on seen classes. */
  readonly semanticMatching: boolean;
  /** What the first encoder is to classify, and of which classes; absent where classes are no more than labels. */
  readonly classify?: {
    readonly classes: ClassTable;
    readonly learnt: Learnt;
    readonly held: { readonly seen: PairTable; readonly unseen: PairTable };
  };
  /** For what the baselines hold out to choose on. */
  readonly seed: number;
  /** For the draws of the bootstrap: the same rows get the same draws under the same seed. */
  readonly resampling: Pick<ResampleOptions, 'seed' | 'resamples'>;
}

/** What the baselines chose on their validation rows. */
export interface BaselineChoices {
  readonly cca: Readonly<
    Record<'seen' | 'unseen', { readonly k: number; readonly regularisation: number } | null>
  >;
  readonly sm: { readonly image_l2: number; readonly text_l2: number; readonly similarity: string } | null;
}

export interface Measured {
  readonly seen: PartRecord | null;
  readonly unseen: PartRecord | null;
  readonly harmonic: readonly MethodFigures[] | null;
  /** Where the figures come from, for those who go on reckoning with them. */
  readonly estimated: {
    readonly seen: EstimatedPart | null;
    readonly unseen: EstimatedPart | null;
    readonly harmonic: readonly EstimatedMethod[] | null;
  };
  readonly choices: BaselineChoices;
  /** What ran the tensors: of use to a thread that loads none itself. */
  readonly backend: TensorBackend['backend'];
  /** Of the first encoder; null where it was not asked for, and where no class has a name. */
  readonly classification: ClassificationFigures | null;
  /** What is to be seen of the encoder's space, and what each query found. */
  readonly spaces: Readonly<Record<'seen' | 'unseen', SpaceDescription | null>>;
}

export type MeasureStage = 'sm' | 'cca' | 'measure' | 'describe';

interface Candidate {
  readonly method: Method;
  readonly encoder: Pick<Encoder, 'embedMany'>;
}

/**
 * Measures encoders, CCA and, where it is asked for, semantic matching on the very same rows, with intervals. It keeps its
 * thread busy: `measureInThread` does the same in one of its own.
 */
export async function measure(
  request: MeasureRequest,
  onStage: (stage: MeasureStage) => void = () => {},
): Promise<Measured> {
  const { source, seed } = request;
  const loaded = request.encoders.map(({ method, bytes }) => ({ method, encoder: loadEncoder(bytes) }));
  const dimension = loaded[0]?.encoder.dimension ?? 64;
  // An encoder for classes never seen is not chosen by pairs of classes that were: neither is the baseline beside it.
  const ccaFor = async (part: MeasuredPart | null, validationBy: 'pairs' | 'classes') => {
    if (part === null) return null;
    onStage('cca');
    return await trainCca(source, { seed, dimension, validationBy });
  };
  const cca = { seen: await ccaFor(request.seen, 'pairs'), unseen: await ccaFor(request.unseen, 'classes') };
  const wantsSm = request.semanticMatching && request.seen !== null;
  if (wantsSm) onStage('sm');
  const sm = wantsSm ? await trainSemanticMatching(source, { seed }) : null;

  const parts = (['seen', 'unseen'] as const).map((name) => {
    const part = request[name];
    const baseline = cca[name];
    if (part === null || baseline === null) return null;
    onStage('measure');
    const candidates: Candidate[] = [
      ...loaded,
      ...(sm !== null && name === 'seen' ? [{ method: 'sm' as const, encoder: sm.encoder }] : []),
      { method: 'cca', encoder: baseline.encoder },
    ];
    const embedded = candidates.map((candidate) => embed(candidate, part));
    const scored = embedded.map(({ method, image, text }) => ({
      method,
      i2t: scoreQueries(image, text),
      t2i: scoreQueries(text, image),
    }));
    const estimated = estimatePart(scored, { ...request.resampling, part: name });
    onStage('describe');
    const [ours, ...others] = embedded as [Embedded, ...Embedded[]];
    const space = describeSpace({
      ...ours,
      set: request.sets[name],
      classNames: part.classNames,
      seenClasses: new Set(name === 'seen' ? part.classNames.keys() : []),
      others,
      seed,
    });
    return { estimated, space, record: partRecord(part, estimated, space.details) };
  });
  const [seen, unseen] = parts;
  const [first] = loaded;
  const { classify } = request;
  const harmonic = seen && unseen ? harmonicMeans(seen.estimated, unseen.estimated) : null;
  const chosen = (name: 'seen' | 'unseen') =>
    cca[name] && { k: cca[name].k, regularisation: cca[name].regularisation };
  return {
    seen: seen?.record ?? null,
    unseen: unseen?.record ?? null,
    harmonic: harmonic?.map(methodFigures) ?? null,
    estimated: { seen: seen?.estimated ?? null, unseen: unseen?.estimated ?? null, harmonic },
    classification:
      first && classify
        ? classificationFigures(first.encoder, classify.classes, classify.learnt, classify.held)
        : null,
    spaces: { seen: seen?.space ?? null, unseen: unseen?.space ?? null },
    backend: (await loadTensorBackend()).backend,
    choices: {
      cca: { seen: chosen('seen'), unseen: chosen('unseen') },
      sm: sm && { image_l2: sm.l2.IMAGE, text_l2: sm.l2.TEXT, similarity: sm.similarity },
    },
  };
}

interface Embedded extends Sides {
  readonly method: Method;
}

function embed({ method, encoder }: Candidate, { sides }: MeasuredPart): Embedded {
  const [image, text] = MODALITIES.map((modality): RetrievalSide => {
    const { features, ...rest } = sides[modality];
    return { ...rest, embeddings: encoder.embedMany(modality, features) };
  }) as [RetrievalSide, RetrievalSide];
  return { method, image, text };
}

function partRecord(
  { sides }: MeasuredPart,
  { methods, counts }: EstimatedPart,
  { curves, perClass }: SpaceDetails,
): PartRecord {
  return {
    images: sides.IMAGE.classes.length,
    texts: sides.TEXT.classes.length,
    classes: perClass.length,
    counts,
    methods: methods.map(methodFigures),
    curves,
    perClass,
  };
}
