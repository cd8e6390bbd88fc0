import { type FormEvent, useId } from 'react';
import { useMessages } from '../messages/index.js';

/** How a source is read. */
export interface BulkOptions {
  /** What ids begin with; null: the default of the server. */
  readonly prefix: string | null;
  readonly classColumn: string | null;
}

/** The column that has the class unless another one is named. */
const CLASS_COLUMN = 'label';
export const MAX_PREFIX = 200;

interface BulkOptionsFormProps {
  readonly options: BulkOptions;
  readonly onChange: (options: BulkOptions) => void;
}

/** The name of a set and the column with the classes. A change counts when the field is left. */
export function BulkOptionsForm({ options, onChange }: BulkOptionsFormProps) {
  const t = useMessages();
  const id = useId();
  const set = (field: keyof BulkOptions) => (event: FormEvent<HTMLInputElement>) =>
    onChange({ ...options, [field]: event.currentTarget.value.trim() || null });
  return (
    <details>
      <summary>{t.add.options}</summary>
      <div className="add-form">
        <label htmlFor={`${id}-prefix`}>{t.add.prefix}</label>
        <input
          id={`${id}-prefix`}
          defaultValue={options.prefix ?? ''}
          maxLength={MAX_PREFIX}
          onBlur={set('prefix')}
          aria-describedby={`${id}-hint`}
        />
        <p id={`${id}-hint`} className="faint">
          {t.add.prefixHint}
        </p>
        <label htmlFor={`${id}-class`}>{t.add.classColumn}</label>
        <input
          id={`${id}-class`}
          placeholder={CLASS_COLUMN}
          maxLength={MAX_PREFIX}
          onBlur={set('classColumn')}
        />
      </div>
    </details>
  );
}
