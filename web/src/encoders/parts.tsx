import type { VersionDetailsFragment } from '../__generated__/operations.js';
import { useMessages } from '../messages/index.js';
import { useFormats } from './formats.js';
import { IntervalBar } from './interval-bar.js';

/** What an embedding of a version consists of, with the share of each part in the similarity. */
export function Parts({ parts }: Pick<VersionDetailsFragment, 'parts'>) {
  const t = useMessages();
  const format = useFormats();
  return (
    <section>
      <h2>{t.encoders.embedding}</h2>
      <p className="faint">{t.encoders.embeddingHint}</p>
      <ul className="embedding-parts">
        {parts.map(({ kind, share }) => (
          <li key={kind}>
            <span>{t.encoders.partNames[kind]}</span>
            <IntervalBar estimate={{ value: share, low: null, high: null }} most={1} strong />
            <span className="value">{format.percent(share)}</span>
            <span className="faint">{t.encoders.partHints[kind]}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
