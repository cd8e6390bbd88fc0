import { useSyncExternalStore } from 'react';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const STORED = 'commonspace.theme';
const listeners = new Set<() => void>();
let theme: Theme = THEMES.find((one) => one === localStorage.getItem(STORED)) ?? 'system';
apply();

export function useTheme(): Theme {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => theme,
  );
}

export function setTheme(next: Theme): void {
  theme = next;
  localStorage.setItem(STORED, next);
  apply();
  for (const listener of listeners) listener();
}

function apply(): void {
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}
