/** The state of a network in training, as plain arrays: for checkpoints, and to keep the weights of the best epoch. */
import { CommonspaceError } from '../../domain/errors.js';
import type { Network } from '../network/network.js';
import { type Parameter, publish } from '../network/optimiser.js';

/** Everything needed to resume the training of a network with identical results. */
export interface MemberState {
  /** Epochs completed. */
  readonly epoch: number;
  /** Optimiser steps completed. */
  readonly step: number;
  /** State of the random generator. */
  readonly random: readonly number[];
  readonly bestEpoch: number;
  readonly bestValidation: number | null;
  /**
   * `values.NAME`, `first.NAME` and `second.NAME`: a parameter's values and Adam's moments. `best.NAME`: its values after
   * the best epoch.
   */
  readonly arrays: ReadonlyMap<string, Float32Array>;
}

/** Parameter values by name. */
export type Weights = ReadonlyMap<string, Float32Array>;

/** Copies the values of all parameters. */
export function copyWeights(network: Network): Weights {
  return new Map([...network.parameters].map(([name, { values }]) => [name, values.slice()]));
}

/**
 * Sets the values of all parameters and publishes them to the graph.
 *
 * @throws CommonspaceError BAD_MODEL if a parameter is missing or has another size
 */
export function setWeights(network: Network, weights: Weights): void {
  for (const [name, parameter] of network.parameters) {
    parameter.values.set(ofSameSize(weights.get(name), parameter));
    publish(parameter);
  }
}

/** Copies parameters, moments and the best epoch's weights into the arrays of a `MemberState`. */
export function saveArrays(network: Network, best: Weights): Map<string, Float32Array> {
  const arrays = new Map<string, Float32Array>();
  for (const [name, { values, firstMoment, secondMoment }] of network.parameters) {
    arrays.set(`values.${name}`, values.slice());
    arrays.set(`first.${name}`, firstMoment.slice());
    arrays.set(`second.${name}`, secondMoment.slice());
  }
  for (const [name, values] of best) arrays.set(`best.${name}`, values.slice());
  return arrays;
}

/**
 * Copies the arrays of a `MemberState` into a network.
 *
 * @returns the weights of the best epoch; empty if there are none
 * @throws CommonspaceError BAD_MODEL if an array is missing or has another size
 */
export function restoreArrays(network: Network, arrays: MemberState['arrays']): Weights {
  const named = (prefix: string) =>
    new Map(
      [...arrays].flatMap(([name, a]) =>
        name.startsWith(prefix) ? [[name.slice(prefix.length), a] as const] : [],
      ),
    );
  setWeights(network, named('values.'));
  const first = named('first.');
  const second = named('second.');
  for (const [name, parameter] of network.parameters) {
    parameter.firstMoment.set(ofSameSize(first.get(name), parameter));
    parameter.secondMoment.set(ofSameSize(second.get(name), parameter));
  }
  return new Map([...named('best.')].map(([name, a]) => [name, a.slice()]));
}

function ofSameSize(found: Float32Array | undefined, { name, values }: Parameter): Float32Array {
  if (found?.length === values.length) return found;
  throw new CommonspaceError(
    'BAD_MODEL',
    `a checkpoint cannot be resumed: ${name} has ${found?.length ?? 'no'} numbers where ${values.length} are expected`,
  );
}
