import { useEffect } from 'react';
import { useLocation } from 'wouter';

/** The part whose document has a content policy of its own; see src/http/page-routes.ts. */
const OWN = '/graphiql';
const opened = hasOwn(window.location.pathname);

/**
 * Whether the document has the policy of the part that the address names. If not, as after a link to the part or out of it, the document is
 * loaded anew.
 */
export function useOwnDocument(): boolean {
  const [path] = useLocation();
  const fits = hasOwn(path) === opened;
  useEffect(() => {
    if (!fits) window.location.reload();
  }, [fits]);
  return fits;
}

function hasOwn(path: string): boolean {
  return path === OWN || path.startsWith(`${OWN}/`);
}
