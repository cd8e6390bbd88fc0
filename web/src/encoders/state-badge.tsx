import { useMessages } from '../messages/index.js';
import type { EncoderStateName } from './states.js';

const TONES: Partial<Record<EncoderStateName, string>> = {
  ACTIVE: 'accent',
  FAILED: 'bad',
  QUEUED: 'busy',
  TRAINING: 'busy',
  EMBEDDING: 'busy',
};

/** The state of a version. */
export function StateBadge({ state }: { readonly state: EncoderStateName }) {
  const t = useMessages();
  return (
    <span className={`badge ${TONES[state] ?? ''}`} title={t.encoders.stateHints[state]}>
      {t.encoders.states[state]}
    </span>
  );
}
