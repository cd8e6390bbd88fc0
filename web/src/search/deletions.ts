import { useSyncExternalStore } from 'react';
import { client, queries } from '../api/client.js';
import { messageOf } from '../ui/notice.js';
import { showToast } from '../ui/toasts.js';

/** How long a deletion can be undone. The items are hidden meanwhile, and deleted after it. */
const UNDO_MS = 8_000;
/** Ids of one call of the API. */
const PER_CALL = 1_000;

const listeners = new Set<() => void>();
const waiting = new Map<number, readonly string[]>();
let hidden: ReadonlySet<string> = new Set();
let next = 0;

/** Items that the user deleted, also while the deletion can be undone. */
export function useHidden(): ReadonlySet<string> {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => hidden,
  );
}

/** Hides items at once, and deletes them unless the user undoes it. */
export function deleteWithUndo(
  ids: readonly string[],
  texts: { readonly deleted: string; readonly undo: string },
): void {
  next += 1;
  const id = next;
  waiting.set(id, ids);
  update([...hidden, ...ids]);
  showToast(
    {
      text: texts.deleted,
      action: {
        label: texts.undo,
        run: () => {
          waiting.delete(id);
          show(ids);
        },
      },
    },
    UNDO_MS,
  );
  setTimeout(() => void complete(id), UNDO_MS);
}

async function complete(id: number): Promise<void> {
  const ids = waiting.get(id);
  if (ids === undefined) return;
  waiting.delete(id);
  try {
    for (let at = 0; at < ids.length; at += PER_CALL) await client.deleteItems(ids.slice(at, at + PER_CALL));
    await queries.invalidateQueries();
  } catch (error) {
    show(ids);
    showToast({ text: messageOf(error), tone: 'error' });
  }
}

// A page that is left cannot undo any more.
window.addEventListener('pagehide', () => {
  for (const [id, ids] of waiting) {
    waiting.delete(id);
    const query = 'mutation Delete($ids: [ID!]!) { deleteItems(ids: $ids) { deletedIds } }';
    for (let at = 0; at < ids.length; at += PER_CALL) {
      void fetch('/graphql', {
        method: 'POST',
        keepalive: true,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query, variables: { ids: ids.slice(at, at + PER_CALL) } }),
      });
    }
  }
});

function show(ids: readonly string[]): void {
  const shown = new Set(ids);
  update([...hidden].filter((id) => !shown.has(id)));
}

function update(ids: Iterable<string>): void {
  hidden = new Set(ids);
  for (const listener of listeners) listener();
}
