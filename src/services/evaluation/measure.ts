import type { RetrievalSide } from '../../domain/metrics.js';
import { scoreQueries } from '../../domain/metrics-scores.js';
import { MODALITIES } from '../../domain/modality.js';
import { trainSemanticMatching } from '../../encoder/semantic-matching.js';
import { loadEncoder } from '../../encoder/serialise.js';
import { trainCca } from '../../encoder/train-cca.js';
import type { Encoder, SourceSet } from '../../encoder/types.js';
import type { ClassDetails } from '../runs/space-details.js';
import type { ResampleOptions, ScoredDirections } from './bootstrap.js';
import {
  type EstimatedMethod,
  type EstimatedPart,
  estimatePart,
  harmonicMeans,
  methodFigures,
} from './estimates.js';
import type { Method, MethodFigures, PartRecord } from './evaluation-record.js';
import type { MeasuredPart } from './measured-part.js';

export interface MeasureRequest {
  /** The encoder that is evaluated first, then others to stand beside it, as bytes. */
  readonly encoders: readonly { readonly method: Method; readonly bytes: Uint8Array }[];
  /** What they learnt from: the baselines learn from the same. */
  readonly source: SourceSet;
  readonly seen: MeasuredPart | null;
  readonly unseen: MeasuredPart | null;
  /** Whether semantic matching stands beside them on seen classes. */
  readonly semanticMatching: boolean;
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
}

export type MeasureStage = 'sm' | 'cca' | 'measure';

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

  onStage('measure');
  const parts = (['seen', 'unseen'] as const).map((name) => {
    const part = request[name];
    const baseline = cca[name];
    if (part === null || baseline === null) return null;
    const candidates: Candidate[] = [
      ...loaded,
      ...(sm !== null && name === 'seen' ? [{ method: 'sm' as const, encoder: sm.encoder }] : []),
      { method: 'cca', encoder: baseline.encoder },
    ];
    const scored = candidates.map((candidate) => score(candidate, part));
    const estimated = estimatePart(scored, { ...request.resampling, part: name });
    return { estimated, record: partRecord(part, estimated, scored[0], name === 'seen') };
  });
  const [seen, unseen] = parts;
  const harmonic = seen && unseen ? harmonicMeans(seen.estimated, unseen.estimated) : null;
  const chosen = (name: 'seen' | 'unseen') =>
    cca[name] && { k: cca[name].k, regularisation: cca[name].regularisation };
  return {
    seen: seen?.record ?? null,
    unseen: unseen?.record ?? null,
    harmonic: harmonic?.map(methodFigures) ?? null,
    estimated: { seen: seen?.estimated ?? null, unseen: unseen?.estimated ?? null, harmonic },
    choices: {
      cca: { seen: chosen('seen'), unseen: chosen('unseen') },
      sm: sm && { image_l2: sm.l2.IMAGE, text_l2: sm.l2.TEXT, similarity: sm.similarity },
    },
  };
}

function score(
  { method, encoder }: Candidate,
  { sides }: MeasuredPart,
): ScoredDirections & { method: Method } {
  const [image, text] = MODALITIES.map((modality): RetrievalSide => {
    const { features, ...rest } = sides[modality];
    return { ...rest, embeddings: encoder.embedMany(modality, features) };
  }) as [RetrievalSide, RetrievalSide];
  return { method, i2t: scoreQueries(image, text), t2i: scoreQueries(text, image) };
}

function partRecord(
  { sides, classNames }: MeasuredPart,
  { methods, counts }: EstimatedPart,
  ours: ScoredDirections | undefined,
  seen: boolean,
): PartRecord {
  const occurring = new Set([...sides.IMAGE.classes, ...sides.TEXT.classes].filter((label) => label >= 0));
  const perClass = [...occurring].map((label) => {
    const images = rowsOf(sides.IMAGE.classes, label);
    const texts = rowsOf(sides.TEXT.classes, label);
    return {
      name: classNames[label] ?? '',
      seen,
      images: images.length,
      texts: texts.length,
      i2tAp: meanAt(ours?.i2t.values['map@all'], images),
      t2iAp: meanAt(ours?.t2i.values['map@all'], texts),
      chance: null,
    };
  });
  return {
    images: sides.IMAGE.classes.length,
    texts: sides.TEXT.classes.length,
    classes: occurring.size,
    counts,
    methods: methods.map(methodFigures),
    curves: [],
    perClass: perClass.sort((a, b) => apOf(b) - apOf(a) || (a.name < b.name ? -1 : 1)),
  };
}

/** The mean of both directions; those without any come last. */
function apOf({ i2tAp, t2iAp }: ClassDetails): number {
  return i2tAp === null || t2iAp === null ? (i2tAp ?? t2iAp ?? -1) : (i2tAp + t2iAp) / 2;
}

function rowsOf(classes: Int32Array, label: number): number[] {
  return [...classes.keys()].filter((row) => classes[row] === label);
}

function meanAt(values: Float64Array | undefined, rows: readonly number[]): number | null {
  const counted = rows.map((row) => values?.[row] ?? Number.NaN).filter((x) => !Number.isNaN(x));
  return counted.length === 0 ? null : counted.reduce((sum, x) => sum + x, 0) / counted.length;
}
