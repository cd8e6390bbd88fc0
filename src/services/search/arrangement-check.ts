import { checkStorable } from '../../domain/check.js';
import { CommonspaceError } from '../../domain/errors.js';
import { reorders } from './arrangement.js';
import { type SearchRequest, scopeOf } from './search-request.js';

/** The most results of a group. */
const MOST_OF_GROUP = 10;

/** @throws CommonspaceError BAD_INPUT for an arrangement that is out of range or contradicts the rest of the request. */
export function checkArrangement(request: SearchRequest): void {
  const { diversity = 0, groupBy = null, orderBy = null, minScore, threshold } = request;
  if (!(diversity >= 0 && diversity <= 1)) throw badInput('diversity must be between 0 and 1.', 'diversity');
  if (reorders(orderBy) && minScore === null && threshold !== 'AUTO') {
    throw badInput(
      'orderBy needs minScore or cutOff: AUTO, because otherwise every item matches.',
      'orderBy',
    );
  }
  if (groupBy === null) return;
  if (groupBy.key !== null) checkStorable(groupBy.key, ['groupBy', 'key']);
  if (scopeOf(request).target === null) throw badInput('groupBy needs a target.', 'groupBy');
  if (!(Number.isInteger(groupBy.size) && groupBy.size >= 1 && groupBy.size <= MOST_OF_GROUP)) {
    throw badInput(`groupSize must be between 1 and ${MOST_OF_GROUP}.`, 'groupSize');
  }
  if ((groupBy.by === 'METADATA') !== (groupBy.key !== null)) {
    throw badInput('Give a key for METADATA, and for nothing else.', 'groupBy', 'key');
  }
}

function badInput(message: string, ...field: string[]): CommonspaceError {
  return new CommonspaceError('BAD_INPUT', message, field);
}
