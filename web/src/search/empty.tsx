import { Link } from 'wouter';
import { useMessages } from '../messages/index.js';
import { Notice } from '../ui/notice.js';
import { FilterChips } from './filter-chips.js';
import { isFiltered, type SearchState } from './search-state.js';
import { whyEmpty } from './use-search.js';
import type { ChangeState } from './use-state.js';

interface EmptyProps {
  readonly state: SearchState;
  readonly change: ChangeState;
}

/** Why nothing was found, and what to do. */
export function Empty({ state, change }: EmptyProps) {
  const t = useMessages();
  switch (whyEmpty(state)) {
    case 'catalogue':
      return (
        <Notice role="status" title={t.search.emptyCatalogue}>
          <p>{t.search.emptyCatalogueHint}</p>
          <Link href="/add" className="primary">
            {t.search.addItems}
          </Link>
        </Notice>
      );
    case 'filtered':
      return (
        <Notice role="status" title={t.search.empty}>
          {isFiltered(state) && (
            <>
              <p>{t.search.emptyFiltered}</p>
              <FilterChips state={state} change={change} />
            </>
          )}
        </Notice>
      );
    case 'cut':
      return (
        <Notice role="status" title={t.search.empty}>
          <p>{t.search.emptyCut}</p>
          <button type="button" onClick={() => change({ all: true }, { replace: true })}>
            {t.search.showRest}
          </button>
        </Notice>
      );
    default:
      return <Notice role="status" title={t.search.empty} />;
  }
}
