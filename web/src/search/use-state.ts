import { useCallback, useMemo } from 'react';
import { useLocation, useSearch as useQueryString } from 'wouter';
import { readState, type SearchState, writeState } from './search-state.js';

export type ChangeState = (change: Partial<SearchState>, options?: { readonly replace?: boolean }) => void;

/** The state of the search, which the address holds: back, forward and bookmarks work. */
export function useSearchState(): readonly [SearchState, ChangeState] {
  const query = useQueryString();
  const [, navigate] = useLocation();
  const state = useMemo(() => readState(query), [query]);
  const change = useCallback<ChangeState>(
    (changed, { replace = false } = {}) => navigate(`/${writeState({ ...state, ...changed })}`, { replace }),
    [state, navigate],
  );
  return [state, change];
}
