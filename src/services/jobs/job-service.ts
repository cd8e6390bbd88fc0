import { v7 as uuidv7 } from 'uuid';
import type { Catalog } from '../../catalog/catalog.js';
import type { JobFilter } from '../../catalog/repositories/job-list.js';
import { type Caller, requireScope } from '../../domain/access.js';
import { checkPageSize, checkStorable } from '../../domain/check.js';
import { badCursor, decodeCursor, encodeCursor, fingerprint } from '../../domain/cursor.js';
import { CommonspaceError } from '../../domain/errors.js';
import { isUuid } from '../../domain/ids.js';
import { isUnderWay, type JobFailure, type JobRow } from '../../domain/job.js';
import { LIMITS } from '../../domain/limits.js';
import { RowWatch } from '../../platform/row-watch.js';
import { type AnyJobKind, type JobKind, SERVER } from './job-kind.js';
import type { JobRunner } from './job-runner.js';

interface Page<Node> {
  readonly edges: readonly { readonly cursor: string; readonly node: Node }[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
}

export type JobPage = Page<JobRow> & { readonly count: () => Promise<number> };
export type JobFailurePage = Page<JobFailure>;

/** Begins, lists, watches, cancels and repeats jobs. */
export class JobService {
  private readonly watching: RowWatch<JobRow>;

  /** @param cancelTraining cancels the training with this id */
  constructor(
    private readonly catalog: Pick<Catalog, 'jobs' | 'jobList'>,
    private readonly kinds: readonly AnyJobKind[],
    private readonly runner: Pick<JobRunner, 'wake' | 'abort'>,
    private readonly cancelTraining: (id: string) => Promise<unknown>,
  ) {
    this.watching = new RowWatch(
      (id) => catalog.jobList.byId(id),
      ({ state }) => isUnderWay(state),
    );
  }

  /** Puts a job into the queue, for this server or another one. */
  async begin<P extends object>(
    kind: Pick<JobKind<P>, 'name'>,
    parameters: P,
    caller: Pick<Caller, 'name' | 'keyId'>,
  ): Promise<JobRow> {
    const id = uuidv7();
    await this.catalog.jobs.enqueue({ id, kind: kind.name, parameters, requestedBy: caller });
    this.runner.wake();
    return await this.require(id);
  }

  /** The same for a job that a server begins by itself, unless one of its kind is under way or was begun in that time. */
  async beginUnlessSince<P extends object>(
    kind: Pick<JobKind<P>, 'name'>,
    parameters: P,
    milliseconds: number,
  ): Promise<void> {
    const job = { id: uuidv7(), kind: kind.name, parameters, requestedBy: SERVER };
    await this.catalog.jobs.enqueueUnlessSince(job, new Date(Date.now() - milliseconds));
    this.runner.wake();
  }

  async byId(id: string): Promise<JobRow | null> {
    return isUuid(id) ? await this.catalog.jobList.byId(id) : null;
  }

  /** @throws CommonspaceError JOB_NOT_FOUND, BAD_INPUT for a string that no id can be. */
  async require(id: string): Promise<JobRow> {
    checkStorable(id, ['id']);
    const row = await this.byId(id);
    if (row === null) throw new CommonspaceError('JOB_NOT_FOUND', 'No job has this id.', ['id']);
    return row;
  }

  /** The newest first. @throws CommonspaceError BAD_INPUT, BAD_CURSOR */
  async page(filter: JobFilter, first: number, after: string | null): Promise<JobPage> {
    checkPageSize(first, LIMITS.jobPageSize);
    const sorted = (list: readonly string[] | null) => (list === null ? null : [...list].sort());
    const print = fingerprint({ jobs: [sorted(filter.states), sorted(filter.kinds)] });
    const position = after === null ? null : readPosition(decodeCursor(after, print));
    const rows = await this.catalog.jobList.page(filter, position, first + 1);
    return {
      edges: rows.slice(0, first).map((node) => ({
        node,
        cursor: encodeCursor(print, `${node.createdAt.getTime()} ${node.id}`),
      })),
      hasNextPage: rows.length > first,
      hasPreviousPage: position !== null,
      count: () => this.catalog.jobList.count(filter),
    };
  }

  /** In the order of the inputs. @throws CommonspaceError BAD_INPUT, BAD_CURSOR */
  async failures(id: string, first: number, after: string | null): Promise<JobFailurePage> {
    checkPageSize(first, LIMITS.jobPageSize);
    const print = fingerprint({ failures: id });
    const position = after === null ? 0 : Number(decodeCursor(after, print));
    if (!Number.isInteger(position) || position < 0 || position >= 2 ** 31) throw badCursor();
    const rows = await this.catalog.jobList.failures(id, position, first + 1);
    return {
      edges: rows
        .slice(0, first)
        .map((node) => ({ node, cursor: encodeCursor(print, String(node.ordinal)) })),
      hasNextPage: rows.length > first,
      hasPreviousPage: position > 0,
    };
  }

  /** The row, and the row again after each change, until the job ends. */
  watch(id: string, signal: AbortSignal): AsyncGenerator<JobRow> {
    return this.watching.watch(id, signal);
  }

  /**
   * Cancels a job of any process. What it has done stays. What it did since its latest step may stay without being counted.
   *
   * @throws CommonspaceError JOB_NOT_FOUND, JOB_STATE, FORBIDDEN
   */
  async cancel(id: string, caller: Caller): Promise<JobRow> {
    const { kind } = await this.require(id);
    if (kind === 'TRAINING') {
      requireScope(caller, 'train');
      await this.cancelTraining(id);
      return await this.require(id);
    }
    this.requireScopeOf(kind, caller);
    const done = await this.catalog.jobs.cancel(id);
    this.runner.abort(id);
    const row = await this.require(id);
    if (!done) throw wrongState(row, 'be cancelled');
    return row;
  }

  /**
   * Repeats what failed. A job that failed or was cancelled goes on from its latest step; it is the same job. For one that
   * succeeded, a new job does the inputs that failed.
   *
   * @throws CommonspaceError JOB_NOT_FOUND, JOB_STATE, FORBIDDEN
   */
  async retry(id: string, caller: Caller): Promise<JobRow> {
    const row = await this.require(id);
    this.requireScopeOf(row.kind, caller);
    const request = await this.catalog.jobList.request(id);
    const kind = this.kinds.find(({ name }) => name === row.kind);
    if (request === null || kind === undefined || isUnderWay(row.state)) throw wrongState(row, 'be retried');
    if (row.state !== 'succeeded') {
      if (!(await this.catalog.jobs.requeue(id))) throw wrongState(await this.require(id), 'be retried');
      this.runner.wake();
      return await this.require(id);
    }
    if (row.failed === 0 || kind.failuresOf === null) {
      throw new CommonspaceError('JOB_STATE', 'The job has no failed inputs that can be retried.', ['id']);
    }
    return await this.begin(kind, kind.failuresOf(request.parameters, id), caller);
  }

  private requireScopeOf(kind: string, caller: Caller): void {
    requireScope(caller, this.kinds.find(({ name }) => name === kind)?.scope ?? 'train');
  }
}

function wrongState({ kind, state }: JobRow, action: string): CommonspaceError {
  return new CommonspaceError('JOB_STATE', `A job ${kind} in the state ${state} cannot ${action}.`, ['id']);
}

function readPosition(position: string): { readonly createdAt: Date; readonly id: string } {
  const [milliseconds = '', id = ''] = position.split(' ');
  const createdAt = new Date(Number(milliseconds));
  if (!isUuid(id) || Number.isNaN(createdAt.getTime())) throw badCursor();
  return { createdAt, id };
}
