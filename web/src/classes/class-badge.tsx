import { useMessages } from '../messages/index.js';

/** Whether the active encoder was trained with a class. */
export function ClassBadge({ seen }: { readonly seen: boolean }) {
  const t = useMessages();
  return (
    <span
      className={`badge ${seen ? '' : 'accent'}`}
      title={seen ? t.classes.seenHint : t.classes.unseenHint}
    >
      {seen ? t.classes.seen : t.classes.unseen}
    </span>
  );
}
