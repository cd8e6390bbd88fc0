import { Languages, Moon } from 'lucide-react';
import { type Language, setLanguage, useLanguage, useMessages } from '../messages/index.js';
import { setTheme, THEMES, type Theme, useTheme } from './theme.js';

/** The choice of colours and language. */
export function Preferences() {
  const t = useMessages();
  const theme = useTheme();
  const language = useLanguage();
  return (
    <div className="preferences">
      <label className="picker" title={t.theme.label}>
        <Moon aria-hidden size={18} />
        <select
          aria-label={t.theme.label}
          value={theme}
          onChange={(event) => setTheme(event.target.value as Theme)}
        >
          {THEMES.map((one) => (
            <option key={one} value={one}>
              {t.theme[one]}
            </option>
          ))}
        </select>
      </label>
      <label className="picker" title={t.language.label}>
        <Languages aria-hidden size={18} />
        <select
          aria-label={t.language.label}
          value={language}
          onChange={(event) => setLanguage(event.target.value as Language)}
        >
          <option value="en">{t.language.en}</option>
          <option value="zh">{t.language.zh}</option>
        </select>
      </label>
    </div>
  );
}
