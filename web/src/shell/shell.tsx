import {
  Braces,
  KeyRound,
  ListChecks,
  LogOut,
  type LucideIcon,
  Map as MapIcon,
  Orbit,
  Plus,
  Search,
  Tags,
} from 'lucide-react';
import type { ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import { useGone } from '../api/connection.js';
import { logOut, type Session } from '../api/session.js';
import { useJobWatch } from '../jobs/job-watch.js';
import { useMessages } from '../messages/index.js';
import { Toasts } from '../ui/toasts.js';
import { Logo } from './logo.js';
import { Preferences } from './preferences.js';

interface ShellProps {
  readonly session: Session | null;
  readonly children: ReactNode;
}

interface NavPart {
  readonly href: string;
  readonly name: string;
  readonly icon: LucideIcon;
  /** Shown beside the name if it is not 0. */
  readonly count?: number;
}

/** What surrounds each part of the page: the navigation, the state of the connection, and messages. */
export function Shell({ session, children }: ShellProps) {
  const t = useMessages();
  const gone = useGone();
  const [path] = useLocation();
  const jobs = useJobWatch();
  const parts: readonly NavPart[] = [
    { href: '/', name: t.nav.search, icon: Search },
    { href: '/add', name: t.nav.add, icon: Plus },
    { href: '/classes', name: t.nav.classes, icon: Tags },
    { href: '/encoders', name: t.nav.encoders, icon: Orbit },
    { href: '/map', name: t.nav.map, icon: MapIcon },
    { href: '/jobs', name: t.nav.jobs, icon: ListChecks, count: jobs },
    { href: '/graphiql', name: t.nav.api, icon: Braces },
    ...(session?.scopes.includes('admin') ? [{ href: '/keys', name: t.nav.keys, icon: KeyRound }] : []),
  ];
  return (
    <>
      <a className="skip" href="#content">
        {t.nav.skip}
      </a>
      <header className="shell">
        <Link href="/" className="brand">
          <Logo />
          {'Commonspace'}
        </Link>
        <nav aria-label={t.nav.main}>
          {parts.map(({ href, name, icon: Icon, count = 0 }) => (
            <Link key={href} href={href} title={name} aria-current={isAt(path, href) ? 'page' : undefined}>
              <Icon aria-hidden size={18} />
              <span>{name}</span>
              {count > 0 && (
                <span className="badge accent" title={t.jobs.running(count)}>
                  {count}
                </span>
              )}
            </Link>
          ))}
        </nav>
        <Preferences />
        {session?.seconds != null && (
          <button
            type="button"
            className="icon"
            title={`${t.session.logOut} (${session.name})`}
            aria-label={t.session.logOut}
            onClick={() => void logOut()}
          >
            <LogOut aria-hidden size={18} />
          </button>
        )}
      </header>
      {gone && (
        <p role="alert" className="banner">
          {t.connection.gone}
        </p>
      )}
      <main id="content" tabIndex={-1}>
        {children}
      </main>
      <Toasts />
    </>
  );
}

function isAt(path: string, href: string): boolean {
  return href === '/' ? path === '/' : path.startsWith(href);
}
