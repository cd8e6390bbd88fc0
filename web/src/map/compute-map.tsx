import { RefreshCw } from 'lucide-react';
import { useState } from 'react';
import { ProjectEncoderDocument } from '../__generated__/operations.js';
import { client, queries } from '../api/client.js';
import { useMessages } from '../messages/index.js';
import { messageOf } from '../ui/notice.js';
import { showToast } from '../ui/toasts.js';

interface ComputeMapProps {
  readonly encoderId: string;
  /** Whether that is under way. */
  readonly isComputed: boolean;
  /** Whether there is one already. */
  readonly again: boolean;
}

/** Begins to compute the map. */
export function ComputeMap({ encoderId, isComputed, again }: ComputeMapProps) {
  const t = useMessages();
  const [begun, setBegun] = useState(false);
  const compute = async () => {
    setBegun(true);
    try {
      const { projectEncoder } = await client.execute(ProjectEncoderDocument, { id: encoderId });
      const [refusal] = projectEncoder.errors;
      if (refusal) showToast({ text: refusal.message, tone: 'error' });
      await queries.invalidateQueries({ queryKey: ['map'] });
    } catch (error) {
      showToast({ text: messageOf(error), tone: 'error' });
    } finally {
      setBegun(false);
    }
  };
  return (
    <button type="button" disabled={begun || isComputed} onClick={() => void compute()}>
      <RefreshCw aria-hidden size={16} />
      {isComputed ? t.map.computing : again ? t.map.compute : t.map.begin}
    </button>
  );
}
