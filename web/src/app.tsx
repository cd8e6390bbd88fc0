import { useQuery } from '@tanstack/react-query';
import { lazy } from 'react';
import { Route, Switch } from 'wouter';
import { AddPage } from './add/add-page.js';
import { SESSION } from './api/client.js';
import { renewSession } from './api/session.js';
import { ClassPage } from './classes/class-page.js';
import { ClassesPage } from './classes/classes-page.js';
import { ItemPage } from './item/item-page.js';
import { JobPage } from './jobs/job-page.js';
import { JobsPage } from './jobs/jobs-page.js';
import { useMessages } from './messages/index.js';
import { SearchPage } from './search/search-page.js';
import { LoginPage } from './shell/login-page.js';
import { useOwnDocument } from './shell/own-document.js';
import { Shell } from './shell/shell.js';
import { LazyPart } from './ui/lazy-part.js';
import { Notice } from './ui/notice.js';

const EncodersPart = lazy(async () => ({
  default: (await import('./encoders/encoders-part.js')).EncodersPart,
}));
const GraphiqlPage = lazy(async () => ({
  default: (await import('./graphiql/graphiql-page.js')).GraphiqlPage,
}));
const KeysPage = lazy(async () => ({ default: (await import('./keys/keys-page.js')).KeysPage }));
const MapPage = lazy(async () => ({ default: (await import('./map/map-page.js')).MapPage }));

/** The page: the login where the server wants a key, else the part that the address names. */
export function App() {
  const t = useMessages();
  const session = useQuery({ queryKey: SESSION, queryFn: renewSession, staleTime: Number.POSITIVE_INFINITY });
  const fits = useOwnDocument();
  if (!fits) return null;
  if (session.data === null) return <LoginPage />;
  return (
    <Shell session={session.data ?? null}>
      <Switch>
        <Route path="/">
          <SearchPage />
        </Route>
        <Route path="/items/:id">{({ id }) => <ItemPage id={id} />}</Route>
        <Route path="/add">
          <AddPage />
        </Route>
        <Route path="/jobs">
          <JobsPage />
        </Route>
        <Route path="/jobs/:id">{({ id }) => <JobPage key={id} id={id} />}</Route>
        <Route path="/classes">
          <ClassesPage />
        </Route>
        <Route path="/classes/:id">{({ id }) => <ClassPage key={id} id={id} />}</Route>
        <Route path="/encoders/*?">
          <LazyPart>
            <EncodersPart />
          </LazyPart>
        </Route>
        <Route path="/map">
          <LazyPart>
            <MapPage />
          </LazyPart>
        </Route>
        <Route path="/keys">
          <LazyPart>{session.data && <KeysPage session={session.data} />}</LazyPart>
        </Route>
        <Route path="/graphiql">
          <LazyPart>
            <GraphiqlPage />
          </LazyPart>
        </Route>
        <Route>
          <Notice title={t.common.notFound} />
        </Route>
      </Switch>
    </Shell>
  );
}
