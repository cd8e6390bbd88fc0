import { useSyncExternalStore } from 'react';

/** A key that was just made. The server does not store its secret. */
export interface ShownKey {
  readonly name: string;
  readonly secret: string;
}

const listeners = new Set<() => void>();
let shown: ShownKey | null = null;

/** The key to show. It is kept outside of the parts, because the login takes their place for a moment when the first key of a server is made. */
export function useShownKey(): ShownKey | null {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => shown,
  );
}

/** Shows a key; null hides it for good. */
export function showKey(next: ShownKey | null): void {
  shown = next;
  for (const listener of listeners) listener();
}
