import { X } from 'lucide-react';
import { useSyncExternalStore } from 'react';
import { useMessages } from '../messages/index.js';

/** A message that goes away by itself. */
export interface Toast {
  readonly id: number;
  readonly text: string;
  readonly tone: 'plain' | 'error';
  /** A button, for example to undo; the message goes away with it. */
  readonly action?: { readonly label: string; readonly run: () => void };
}

const SHOWN_MS = 8_000;
const listeners = new Set<() => void>();
let toasts: readonly Toast[] = [];
let next = 0;

/** Shows a message for some seconds. @returns its id, for `hideToast` */
export function showToast(
  toast: Omit<Toast, 'id' | 'tone'> & { readonly tone?: Toast['tone'] },
  ms = SHOWN_MS,
): number {
  next += 1;
  const id = next;
  set([...toasts, { tone: 'plain', ...toast, id }]);
  setTimeout(() => hideToast(id), ms);
  return id;
}

function hideToast(id: number): void {
  if (toasts.some((toast) => toast.id === id)) set(toasts.filter((toast) => toast.id !== id));
}

/** All messages. Screen readers read each as it comes. */
export function Toasts() {
  const t = useMessages();
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => toasts,
  );
  return (
    <div className="toasts" role="status" aria-live="polite">
      {shown.map(({ id, text, tone, action }) => (
        <div key={id} className={`toast ${tone}`}>
          <span>{text}</span>
          {action && (
            <button
              type="button"
              onClick={() => {
                action.run();
                hideToast(id);
              }}
            >
              {action.label}
            </button>
          )}
          <button type="button" className="icon" aria-label={t.common.close} onClick={() => hideToast(id)}>
            <X aria-hidden size={16} />
          </button>
        </div>
      ))}
    </div>
  );
}

function set(next: readonly Toast[]): void {
  toasts = next;
  for (const listener of listeners) listener();
}
