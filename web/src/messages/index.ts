import { useSyncExternalStore } from 'react';
import { en, type Messages } from './en.js';
import { zh } from './zh.js';

const LANGUAGES = { en, zh } as const;
export type Language = keyof typeof LANGUAGES;

const STORED = 'commonspace.language';
const listeners = new Set<() => void>();
let language = initial();
apply();

/** The texts of the page in the language of the user. */
export function useMessages(): Messages {
  return LANGUAGES[useLanguage()];
}

/** The language of the user: the chosen one, else that of the browser. */
export function useLanguage(): Language {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => language,
  );
}

export function setLanguage(next: Language): void {
  language = next;
  localStorage.setItem(STORED, next);
  apply();
  for (const listener of listeners) listener();
}

function initial(): Language {
  const wanted = [localStorage.getItem(STORED), ...navigator.languages];
  for (const tag of wanted) {
    const found = tag?.split('-')[0];
    if (found === 'en' || found === 'zh') return found;
  }
  return 'en';
}

function apply(): void {
  document.documentElement.lang = LANGUAGES[language].locale;
}
