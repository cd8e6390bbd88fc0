import { useId } from 'react';
import { useMessages } from '../messages/index.js';

interface ExtractorFieldProps {
  readonly label: string;
  readonly hint?: string;
  readonly value: string;
  /** Names that are offered. */
  readonly known: readonly string[];
  /** Whether that of the version that is continued is taken unless another one is named. */
  readonly continued: boolean;
  readonly onChange: (value: string) => void;
}

/** The name of an extractor; empty for the default. */
export function ExtractorField({ label, hint, value, known, continued, onChange }: ExtractorFieldProps) {
  const t = useMessages();
  const id = useId();
  return (
    <label className="field">
      {label}
      <input
        list={id}
        value={value}
        placeholder={continued ? t.encoders.asThatVersion : t.encoders.configured}
        maxLength={300}
        onChange={(event) => onChange(event.target.value)}
      />
      {hint !== undefined && <span className="faint">{hint}</span>}
      <datalist id={id}>
        {[...new Set(known)].map((each) => (
          <option key={each} value={each} />
        ))}
      </datalist>
    </label>
  );
}
