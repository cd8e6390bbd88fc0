/**
 * An interrupted training as bytes: weights, Adam's moments, epoch, step and random state of the current network, the weights
 * of its best epoch, the branches of the finished networks, and the options and source set that they belong to.
 */
import { createHash } from 'node:crypto';
import { CommonspaceError } from '../../domain/errors.js';
import { MODALITIES, type Modality } from '../../domain/modality.js';
import { RowFile } from '../../platform/row-file.js';
import { type BranchShape, isBranchShape, putBranch, takeBranch } from '../inference/branch-arrays.js';
import { readEncoderFile, writeEncoderFile } from '../inference/encoder-file.js';
import type { Matrix } from '../math/matrix.js';
import type { EpochRecord, SourceSet, TrainOptions } from '../types.js';
import type { MemberState } from './member-state.js';
import type { TrainedMember } from './member-training.js';
import type { OpenSource } from './stored-source.js';
import type { ChosenEpochs } from './train-member.js';
import type { Tuned } from './tune.js';
import type { WarmStart } from './warm-start.js';

const KIND = 'checkpoint';

/** The state of a training run between two epochs. */
export interface Checkpoint {
  /** As the caller gave them, before tuning. */
  readonly options: TrainOptions;
  readonly source: SourceDigest;
  /** The tensor backend. Backends round differently. */
  readonly backend: string;
  /** The result of tuning. Missing in checkpoints written before tuning was added. */
  readonly tuned?: Tuned;
  /** Null until the network with held-out pairs has chosen them. */
  readonly chosen?: ChosenEpochs | null;
  /** The networks of the encoder that are trained. */
  readonly finished: readonly TrainedMember[];
  /** The state of the network after the finished ones; null if it has not started. */
  readonly current: MemberState | null;
  readonly history: readonly EpochRecord[];
  /** Training time so far. */
  readonly seconds: number;
}

/** Hexadecimal SHA-256 of each part of a source set, and the kind of its class embeddings. */
export type SourceDigest = Readonly<
  Record<Exclude<keyof SourceSet, 'groups' | 'furtherTexts' | 'sharedSpace'>, string>
> & {
  /** Missing where each pair is its own group. */
  readonly groups?: string;
  /** Missing where there are no further texts. */
  readonly furtherTexts?: string;
  /** Of the encoder that the training continues; missing where it starts from nothing. */
  readonly warmStart?: string;
};

export function digestSource(source: OpenSource, warmStart: WarmStart | null = null): SourceDigest {
  const hash = (...parts: readonly (string | NodeJS.ArrayBufferView)[]) => {
    const sum = createHash('sha256');
    for (const part of parts) sum.update(part);
    return sum.digest('hex');
  };
  const matrix = (of: Matrix | RowFile) =>
    of instanceof RowFile ? of.digest : hash(`${of.rows} ${of.columns} `, of.data);
  return {
    image: matrix(source.image),
    text: matrix(source.text),
    labels: hash(source.labels),
    classNames: hash(JSON.stringify(source.classNames)),
    classEmbeddings: matrix(source.classEmbeddings),
    classEmbeddingKind: source.classEmbeddingKind ?? 'name',
    ...(source.groups && { groups: hash(source.groups) }),
    ...(warmStart && { warmStart: hash(warmStart.bytes, warmStart.classes) }),
    ...(source.furtherTexts && {
      furtherTexts: hash(
        matrix(source.furtherTexts.features),
        JSON.stringify([source.furtherTexts.short, source.furtherTexts.titles]),
      ),
    }),
  };
}

/** The description in a checkpoint file. Its field names are part of the format. */
interface Description extends Omit<Checkpoint, 'finished' | 'current'> {
  readonly finished: readonly (Omit<TrainedMember, 'branches'> & {
    readonly branches: Readonly<Record<Modality, BranchShape>>;
  })[];
  readonly current: Omit<MemberState, 'arrays'> | null;
}

const CURRENT = 'current.';

/** The bytes of a checkpoint, for `decodeCheckpoint`. */
export function encodeCheckpoint({ finished, current, ...rest }: Checkpoint): Uint8Array {
  const arrays = new Map<string, Float32Array>();
  const description: Description = {
    ...rest,
    finished: finished.map(({ branches, ...member }, i) => ({
      ...member,
      branches: {
        IMAGE: putBranch(arrays, `${i}.IMAGE`, branches.IMAGE),
        TEXT: putBranch(arrays, `${i}.TEXT`, branches.TEXT),
      },
    })),
    current: current && withoutArrays(current),
  };
  for (const [name, values] of current?.arrays ?? []) arrays.set(CURRENT + name, values);
  return writeEncoderFile({ kind: KIND, description, arrays });
}

/** @throws CommonspaceError BAD_MODEL, with the reason, if the bytes are not a complete checkpoint */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint {
  const { description, arrays } = readEncoderFile(bytes, KIND);
  if (!isDescription(description)) {
    throw new CommonspaceError(
      'BAD_MODEL',
      'a checkpoint cannot be used: its description lacks a field, or a field has the wrong type',
    );
  }
  const take = (name: string, length: number): Float32Array => {
    const found = arrays.get(name);
    if (found?.length === length) return found;
    throw new CommonspaceError(
      'BAD_MODEL',
      `a checkpoint cannot be used: "${name}" has ${found?.length ?? 'no'} numbers where ${length} are expected`,
    );
  };
  return {
    ...description,
    finished: description.finished.map(({ branches, ...member }, i) => ({
      ...member,
      branches: {
        IMAGE: takeBranch(take, `${i}.IMAGE`, branches.IMAGE),
        TEXT: takeBranch(take, `${i}.TEXT`, branches.TEXT),
      },
    })),
    current: description.current && {
      ...description.current,
      arrays: new Map(
        [...arrays].flatMap(([name, values]) =>
          name.startsWith(CURRENT) ? [[name.slice(CURRENT.length), values] as const] : [],
        ),
      ),
    },
  };
}

/**
 * Checks that a checkpoint belongs to this training. Resuming another one would give weights that no uninterrupted training
 * gives.
 *
 * @throws CommonspaceError BAD_INPUT, with every difference
 */
export function checkResumable(
  checkpoint: Checkpoint,
  now: Pick<Checkpoint, 'options' | 'source' | 'backend'>,
): void {
  const shown = (value: unknown) => JSON.stringify(value) ?? 'missing';
  const differing = [
    ...differences(checkpoint.options, now.options).map(
      ({ name, before, after }) => `the option ${name} was ${shown(before)} and is ${shown(after)}`,
    ),
    ...differences(checkpoint.source, now.source).map(({ name }) => `${name} of the source set differs`),
    ...(checkpoint.backend === now.backend
      ? []
      : [`the backend was ${checkpoint.backend} and is ${now.backend}`]),
  ];
  if (differing.length === 0) return;
  throw new CommonspaceError(
    'BAD_INPUT',
    `the checkpoint belongs to another training and cannot be resumed: ${differing.join('; ')}`,
    ['resumeFrom'],
  );
}

interface Difference {
  readonly name: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** The leaves in which two plain objects differ, by path. */
function differences(before: object, after: object, prefix = ''): Difference[] {
  const entries = (of: object) => new Map<string, unknown>(Object.entries(of));
  const [a, b] = [entries(before), entries(after)];
  return [...new Set([...a.keys(), ...b.keys()])].flatMap((key): Difference[] => {
    const [x, y] = [a.get(key), b.get(key)];
    if (isObject(x) && isObject(y)) return differences(x, y, `${prefix}${key}.`);
    return JSON.stringify(x) === JSON.stringify(y) ? [] : [{ name: `${prefix}${key}`, before: x, after: y }];
  });
}

function withoutArrays({ arrays: _, ...state }: MemberState): Omit<MemberState, 'arrays'> {
  return state;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isDescription(value: unknown): value is Description {
  const d = value as Partial<Description> | null;
  return (
    isObject(d?.options) &&
    isObject(d.source) &&
    typeof d.backend === 'string' &&
    typeof d.seconds === 'number' &&
    Array.isArray(d.history) &&
    Array.isArray(d.finished) &&
    d.finished.every(
      (member: Partial<Description['finished'][number]>) =>
        typeof member.epochs === 'number' &&
        MODALITIES.every((modality) => isBranchShape(member.branches?.[modality])),
    ) &&
    (d.current === null ||
      (isObject(d.current) &&
        typeof d.current.epoch === 'number' &&
        typeof d.current.step === 'number' &&
        Array.isArray(d.current.random) &&
        d.current.random.length === 4))
  );
}
