import { type Client, type EncoderDetailsFragment, operations } from '../../client/index.js';
import type { PartKind } from '../../domain/composition.js';
import type { PromotionCheck } from '../../domain/encoder-record.js';
import type { EncoderProgress, EncoderState } from '../../domain/encoder-status.js';
import { CommonspaceError } from '../../domain/errors.js';
import type { EvaluationRecord } from '../../domain/evaluation-record.js';
import type { EncoderBackend, EncoderView } from './backend.js';
import { calling } from './remote-errors.js';

/** Retired versions among which the one active before is looked for. */
const MOST_RETIRED = 100;

/** Versions of the encoder by the API. */
export function remoteEncoders(client: Client): EncoderBackend {
  const require = async (id: string) => {
    const { encoder } = await calling(client.execute(operations.EncoderInDetailDocument, { id }));
    if (encoder === null) throw new CommonspaceError('ENCODER_NOT_FOUND', 'No encoder has this id.', ['id']);
    return viewOf(encoder);
  };
  return {
    async page(state, first) {
      const states = state === null ? null : [apiState(state)];
      const { encoders } = await calling(
        client.execute(operations.EncodersInDetailDocument, { states, first }),
      );
      return { totalCount: encoders.totalCount, encoders: encoders.nodes.map(viewOf) };
    },
    require,
    async previous() {
      const page = await calling(client.encoders({ states: ['READY', 'RETIRED'], first: MOST_RETIRED }));
      const [latest] = page.nodes
        .filter(({ activatedAt }) => activatedAt !== null)
        .toSorted((a, b) => Date.parse(b.activatedAt ?? '') - Date.parse(a.activatedAt ?? ''));
      if (latest !== undefined) return latest.id;
      throw new CommonspaceError('ENCODER_NOT_FOUND', 'No other encoder was active before.', ['id']);
    },
    active: async () =>
      (await calling(client.encoders({ states: ['ACTIVE'], first: 1 }))).nodes[0]?.id ?? null,
    activate: async (id, { force, signal }) =>
      (await calling(client.activateEncoder({ id, force }, { signal }))).id,
    remove: async (id) => void (await calling(client.deleteEncoder(id))),
    cancel: async (id) => void (await calling(client.cancelTraining(id))),
  };
}

type ApiState = EncoderDetailsFragment['state'];
type ApiProgress = NonNullable<EncoderDetailsFragment['progress']>;

/** The API names states and stages in capitals. */
export function ownState(state: ApiState): EncoderState {
  return state.toLowerCase() as EncoderState;
}

function apiState(state: EncoderState): ApiState {
  return state.toUpperCase() as ApiState;
}

export function ownProgress({ stage, done, all, epoch, epochs, ...rest }: ApiProgress): EncoderProgress {
  return {
    stage: stage.toLowerCase() as EncoderProgress['stage'],
    done,
    all,
    epoch:
      epoch === null || epochs === null
        ? null
        : {
            epoch,
            epochs,
            losses: Object.fromEntries(rest.losses.map(({ term, value }) => [term, value])),
            validation: rest.validationMap,
            discriminatorAccuracy: rest.discriminatorAccuracy,
            pairsPerSecond: rest.pairsPerSecond ?? 0,
            secondsLeft: rest.secondsLeft ?? 0,
          },
  };
}

function viewOf(encoder: EncoderDetailsFragment): EncoderView {
  const { id, dimension, imageExtractor, textExtractor, pairs, classes, seconds, failure, notes } = encoder;
  const { preset, seed } = encoder.config;
  return {
    id,
    state: ownState(encoder.state),
    progress: encoder.progress && ownProgress(encoder.progress),
    failure,
    preset: encoder.request?.preset ?? (typeof preset === 'string' ? preset : null),
    seed: encoder.request?.seed ?? (typeof seed === 'number' ? seed : null),
    dimension,
    imageExtractor,
    textExtractor,
    pairs,
    classes,
    seconds,
    // The server sends the record as this version of it stores it.
    evaluation: encoder.record as EvaluationRecord | null,
    promotion: encoder.promotion && promotionOf(encoder.promotion),
    notes,
    createdAt: new Date(encoder.createdAt),
    activatedAt: dateOf(encoder.activatedAt),
    retiredAt: dateOf(encoder.retiredAt),
    parts: async () =>
      encoder.parts.map(({ kind, share }) => ({ kind: kind.toLowerCase() as PartKind, share })),
  };
}

/** The maps of the model without training stand in a field of their own in the stored outcome. */
function promotionOf(check: NonNullable<EncoderDetailsFragment['promotion']>): PromotionCheck {
  const { seen, unseen, ...rest } = check;
  const untrained = { seen: seen?.untrained ?? null, unseen: unseen?.untrained ?? null };
  const maps = (part: typeof seen) =>
    part && { pairs: part.pairs, candidate: part.candidate, active: part.active };
  return {
    ...rest,
    seen: maps(seen),
    unseen: maps(unseen),
    ...((untrained.seen !== null || untrained.unseen !== null) && { zeroShot: untrained }),
  };
}

function dateOf(text: string | null): Date | null {
  return text === null ? null : new Date(text);
}
