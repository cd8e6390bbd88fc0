import 'graphiql/setup-workers/vite';
import 'graphiql/graphiql.css';
import '@graphiql/react/style.css';
import '@graphiql/plugin-doc-explorer/style.css';
import '@graphiql/plugin-history/style.css';
import '../styles/graphiql.css';
import { useQuery } from '@tanstack/react-query';
import { GraphiQL } from 'graphiql';
import { useState } from 'react';
import { createPortal } from 'react-dom';
import { ApiError } from '../../../src/client/api-error.js';
import { gql } from '../../../src/client/documents.js';
import { client, queries, SESSION } from '../api/client.js';
import { useMessages } from '../messages/index.js';
import { useTheme } from '../shell/theme.js';
import { Failure, Notice } from '../ui/notice.js';
import { ExampleBar } from './example-bar.js';
import { EXAMPLES } from './examples.js';
import { createFetcher } from './fetcher.js';

const fetcher = createFetcher(() => queries.setQueryData(SESSION, null));
/** Not one of the operations of the page, which a server with known documents runs. */
const PROBE = gql('{ __schema { queryType { name } } }');
/** GraphiQL keeps what was typed, under this name among others. */
const KEPT = 'graphiql:query';

/** GraphiQL on the public endpoint, with examples. */
export function GraphiqlPage() {
  const t = useMessages();
  const theme = useTheme();
  const [bar, setBar] = useState<HTMLElement | null>(null);
  const [first] = useState(firstTab);
  const probe = useQuery({ queryKey: ['schema'], queryFn: ({ signal }) => probeSchema(signal) });
  return (
    <div className="graphiql-page">
      <title>{`${t.nav.api} · Commonspace`}</title>
      <header>
        <h1>{t.nav.api}</h1>
        <div ref={setBar} className="example-place" />
        <a href="/api">{t.api.endpoints}</a>
        {probe.data === 'open' && <a href="/schema.graphql">{t.api.schema}</a>}
      </header>
      {probe.data === 'hidden' && <p className="banner quiet">{t.api.noSchema}</p>}
      {probe.data === 'untrusted' && (
        <Notice title={t.api.untrusted}>
          <p>{t.api.untrustedHint}</p>
        </Notice>
      )}
      {probe.error && <Failure error={probe.error} onRetry={() => void probe.refetch()} />}
      {(probe.data === 'open' || probe.data === 'hidden') && (
        <GraphiQL
          fetcher={fetcher}
          forcedTheme={theme}
          shouldPersistHeaders={false}
          defaultEditorToolsVisibility="variables"
          schemaDescription
          {...first}
          {...(probe.data === 'hidden' && { schema: null })}
        >
          <GraphiQL.Logo> </GraphiQL.Logo>
          {bar && createPortal(<ExampleBar />, bar)}
        </GraphiQL>
      )}
    </div>
  );
}

/** The first example, unless something was typed before. */
function firstTab(): { readonly initialQuery?: string; readonly initialVariables?: string } {
  const [example] = EXAMPLES;
  if (example === undefined || localStorage.getItem(KEPT) !== null) return {};
  return { initialQuery: example.query, initialVariables: example.variables };
}

/** Whether the server shows its schema, hides it, or runs known documents only. */
async function probeSchema(signal: AbortSignal): Promise<'open' | 'hidden' | 'untrusted'> {
  try {
    await client.execute(PROBE, {}, { signal });
    return 'open';
  } catch (error) {
    if (error instanceof ApiError && error.code === 'GRAPHQL_VALIDATION_FAILED') return 'hidden';
    if (error instanceof ApiError && error.code === 'UNTRUSTED_DOCUMENT') return 'untrusted';
    throw error;
  }
}
