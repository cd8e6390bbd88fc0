import type { Client, EncoderFieldsFragment, TrainEncoderInput } from '../../client/index.js';
import { CommonspaceError, type ErrorCode } from '../../domain/errors.js';
import type { TrainRequest } from '../../services/encoders/train-request.js';
import type { TrainingReport } from '../../services/encoders/training-service.js';
import type { EncoderBackend, TrainingBackend, TrainingHooks } from './backend.js';
import { ownProgress, ownState } from './remote-encoders.js';
import { calling, ownError } from './remote-errors.js';

interface Activation {
  readonly activate: boolean;
  readonly force: boolean;
}

/** Why a ready encoder is not activated, although the training has succeeded. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set(['BELOW_ACTIVE', 'ENCODER_STATE', 'EXTRACTOR_MISSING']);

/**
 * Trainings in the queue of a server, followed to their end. A cancelled command cancels its training. The API lets no training past the
 * gate, and does not say why an extractor keeps an encoder from being activated. So the command activates an encoder that is still ready.
 */
export function remoteTraining(client: Client, encoders: EncoderBackend): TrainingBackend {
  return {
    async train(request, hooks) {
      const { activate = true, force = false } = request;
      const { id } = await calling(client.trainEncoder(inputOf(request), callOf(hooks)));
      return await follow(id, { activate, force }, hooks);
    },
    async resume(id, hooks) {
      const { request } = await calling(client.resumeTraining(id, callOf(hooks)));
      return await follow(id, { activate: request?.activate ?? true, force: false }, hooks);
    },
    async adopt({ model, activate, force = false }, hooks) {
      const { id } = await calling(client.adoptEncoder({ model, activate }, callOf(hooks)));
      return await follow(id, { activate, force }, hooks);
    },
    async isResumable(id) {
      const state = (await calling(client.encoder(id)))?.state;
      return state === 'FAILED' || state === 'CANCELLED';
    },
  };

  async function follow(id: string, wanted: Activation, hooks: TrainingHooks): Promise<TrainingReport> {
    hooks.onStart?.(id);
    const last = await lastState(id, hooks);
    const state = ownState(last.state);
    if (last.failure !== null) throw ownError({ ...last.failure, field: [] });
    if (state === 'cancelled') throw new CommonspaceError('CANCELLED', 'The training was cancelled.');
    const refusal = state === 'ready' ? await activate(id, wanted, hooks) : null;
    return await reportOf(id, refusal);
  }

  /** Activates as the end of a training in this process does. @returns why it was refused; null if it was not */
  async function activate(id: string, wanted: Activation, hooks: TrainingHooks): Promise<string | null> {
    if (!wanted.activate && (await encoders.active()) !== null) return null;
    try {
      await calling(client.activateEncoder({ id, force: wanted.force }, callOf(hooks)));
      return null;
    } catch (error) {
      if (error instanceof CommonspaceError && REFUSALS.has(error.code)) return error.message;
      throw error;
    }
  }

  async function lastState(
    id: string,
    { onProgress, signal }: TrainingHooks,
  ): Promise<EncoderFieldsFragment> {
    let last: EncoderFieldsFragment | null = null;
    try {
      for await (const encoder of client.encoderProgress(id, { signal })) {
        last = encoder;
        if (encoder.progress !== null) onProgress?.(ownProgress(encoder.progress));
      }
    } catch (error) {
      // The outcome of the cancellation is that of the command: the run may have ended meanwhile.
      if (signal?.aborted) await client.cancelTraining(id).catch(() => {});
      return await calling(Promise.reject(error));
    }
    if (last === null) throw new Error(`nothing was reported of the training ${id}`);
    return last;
  }

  async function reportOf(id: string, refusal: string | null): Promise<TrainingReport> {
    const { pairs, classes, evaluation, notes, seconds, state } = await encoders.require(id);
    if (pairs === null || classes === null || evaluation === null) {
      throw new Error(`encoder ${id} was not measured`);
    }
    const activated = state === 'active';
    return { encoder: id, pairs, classes, evaluation, notes, seconds: seconds ?? 0, activated, refusal };
  }
}

function callOf({ signal }: TrainingHooks): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

function inputOf(request: TrainRequest): TrainEncoderInput {
  const { freeze, ...options } = request.options ?? {};
  return {
    preset: request.preset === 'paper' ? 'PAPER' : 'DEFAULT',
    seed: request.seed,
    unseenClasses: request.unseen,
    holdout: request.holdout,
    epochs: request.epochs,
    ...(request.learnFrom?.metadata !== undefined && {
      learnFrom: { metadata: request.learnFrom.metadata },
    }),
    imageExtractor: request.imageExtractor ?? null,
    textExtractor: request.textExtractor ?? null,
    options: { ...options },
    activate: request.activate ?? true,
    from: request.from ?? null,
    ...(freeze === 'image' && { freeze: 'IMAGE' }),
  };
}
