import { useQuery } from '@tanstack/react-query';
import { lazy } from 'react';
import { Route, Switch, useLocation } from 'wouter';
import { SESSION } from './api/client.js';
import { renewSession } from './api/session.js';
import { ItemPage } from './item/item-page.js';
import { useMessages } from './messages/index.js';
import { SearchPage } from './search/search-page.js';
import { LoginPage } from './shell/login-page.js';
import { useOwnDocument } from './shell/own-document.js';
import { Shell } from './shell/shell.js';
import { LazyPart } from './ui/lazy-part.js';
import { Notice } from './ui/notice.js';

// The parts that are loaded when they are opened. A first load is for searching.
const AddPage = lazy(async () => ({ default: (await import('./add/add-page.js')).AddPage }));
const ClassesPage = lazy(async () => ({ default: (await import('./classes/classes-page.js')).ClassesPage }));
const ClassPage = lazy(async () => ({ default: (await import('./classes/class-page.js')).ClassPage }));
const EncodersPart = lazy(async () => ({
  default: (await import('./encoders/encoders-part.js')).EncodersPart,
}));
const GraphiqlPage = lazy(async () => ({
  default: (await import('./graphiql/graphiql-page.js')).GraphiqlPage,
}));
const JobPage = lazy(async () => ({ default: (await import('./jobs/job-page.js')).JobPage }));
const JobsPage = lazy(async () => ({ default: (await import('./jobs/jobs-page.js')).JobsPage }));
const KeysPage = lazy(async () => ({ default: (await import('./keys/keys-page.js')).KeysPage }));
const MapPage = lazy(async () => ({ default: (await import('./map/map-page.js')).MapPage }));

/** The page: the login where the server wants a key, else the part that the address names. */
export function App() {
  const t = useMessages();
  const session = useQuery({ queryKey: SESSION, queryFn: renewSession, staleTime: Number.POSITIVE_INFINITY });
  const [path] = useLocation();
  const fits = useOwnDocument();
  if (!fits) return null;
  if (session.data === null) return <LoginPage />;
  return (
    <Shell session={session.data ?? null}>
      <LazyPart key={path.split('/')[1]}>
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
            <EncodersPart />
          </Route>
          <Route path="/map">
            <MapPage />
          </Route>
          <Route path="/keys">{session.data && <KeysPage session={session.data} />}</Route>
          <Route path="/graphiql">
            <GraphiqlPage />
          </Route>
          <Route>
            <Notice title={t.common.notFound} />
          </Route>
        </Switch>
      </LazyPart>
    </Shell>
  );
}
