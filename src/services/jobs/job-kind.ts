import type { z } from 'zod';
import type { Scope } from '../../domain/access.js';
import type { JobKindName, JobStep } from '../../domain/job.js';
import type { JobFetches } from './job-fetches.js';

/**
 * What does the jobs of a kind. `long`: a slot of a server or worker. `short`: the same, or the slot of each process that long
 * jobs cannot take. `own`: no slot; a process that needs the result does the job itself, see OwnJobs.
 */
export type JobSlot = 'long' | 'short' | 'own';

/** In place of a caller, for jobs that a process begins by itself. */
export const SERVER = { name: 'server', keyId: null } as const;

/** A kind of job. `services.ts` registers all of them. */
export interface JobKind<P extends object> {
  readonly name: JobKindName;
  readonly slot: JobSlot;
  /** What a caller needs to begin, cancel and repeat such a job. */
  readonly scope: Scope;
  /** The parameters as they are stored. */
  readonly parameters: z.ZodType<P>;
  /**
   * Does the work from `context.position` on, in steps. A process can be killed at any moment, and another one then repeats the
   * work since the latest step, so a step that is done twice must come to the same.
   *
   * A CommonspaceError ends the job as failed, except for errors that pass (BUSY, RATE_LIMITED, DATABASE_…), after which it goes on later. After
   * any other error the job is attempted again from its latest step, a few times.
   *
   * @returns a message for people; null without one
   */
  run(parameters: P, context: JobContext): Promise<string | null>;
  /**
   * The parameters of a job that does the failed inputs of another one again.
   *
   * @param jobId the job whose failures are repeated; see JobList.failures
   */
  failuresOf?(parameters: P, jobId: string): P;
}

/** What a kind sees of the job that it does. */
export interface JobContext {
  readonly id: string;
  /** Of the latest step; null before the first. */
  readonly position: unknown;
  /** Name of the key that asked for it. */
  readonly requestedBy: string;
  /** Aborts when the job was cancelled, when its claim was lost, and when the process stops. Then `run` throws soon. */
  readonly signal: AbortSignal;
  /** What the job fetches from addresses. */
  readonly fetches: JobFetches;
  /** Stores a complete step: position, counts and failures in one transaction. Await it before the next step. */
  advance(step: JobStep): Promise<void>;
}

/** A kind whose parameters are not known to the caller. */
export type AnyJobKind = Pick<JobKind<object>, 'name' | 'slot' | 'scope'> & {
  runStored(parameters: unknown, context: JobContext): Promise<string | null>;
  /** Null: failed inputs of such a job cannot be repeated. */
  readonly failuresOf: ((parameters: unknown, jobId: string) => object) | null;
};

/** Makes a kind ready for the runner, which has stored parameters only. */
export function storedKind<P extends object>(kind: JobKind<P>): AnyJobKind {
  const again = kind.failuresOf?.bind(kind);
  return {
    name: kind.name,
    slot: kind.slot,
    scope: kind.scope,
    runStored: (parameters, context) => kind.run(kind.parameters.parse(parameters), context),
    failuresOf: again ? (parameters, jobId) => again(kind.parameters.parse(parameters), jobId) : null,
  };
}
