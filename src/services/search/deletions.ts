import type { Caller } from '../../domain/access.js';
import { CommonspaceError } from '../../domain/errors.js';
import type { ItemFilter } from '../../domain/filter.js';
import type { JobRow } from '../../domain/job.js';
import type { JobService } from '../jobs/job-service.js';
import type { deletionJob } from './deletion-job.js';
import type { FilterCheck } from './filter-check.js';

/** Begins deletions of all items that match a filter. */
export class Deletions {
  constructor(
    private readonly jobs: Pick<JobService, 'begin'>,
    private readonly kind: ReturnType<typeof deletionJob>,
    private readonly filters: FilterCheck,
  ) {}

  /**
   * Puts a deletion into the queue. Items that are stored from now on stay.
   *
   * @param all whether a filter without a condition is meant
   * @throws CommonspaceError BAD_INPUT, UNKNOWN_CLASS
   */
  async begin(filter: ItemFilter, all: boolean, caller: Caller): Promise<JobRow> {
    await this.filters.check(filter);
    if (!all && !hasCondition(filter)) {
      throw new CommonspaceError(
        'BAD_INPUT',
        'The filter matches all items. Set `all` to delete all of them.',
        ['all'],
      );
    }
    return await this.jobs.begin(this.kind, { filter, before: new Date() }, caller);
  }
}

/** Whether a filter has a condition in all of its alternatives. */
function hasCondition({ and, or, not, metadata, ...others }: ItemFilter): boolean {
  return (
    Object.keys(others).length > 0 ||
    (metadata !== undefined && Object.keys(metadata).length > 0) ||
    (and ?? []).some(hasCondition) ||
    (or !== undefined && or.length > 0 && or.every(hasCondition)) ||
    (not !== undefined && hasCondition(not))
  );
}
