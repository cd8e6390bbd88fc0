import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { ClassBadge } from './class-badge.js';

interface ClassLineProps {
  readonly of: { readonly id: string; readonly name: string; readonly seen: boolean };
  /** A figure after the name. */
  readonly children: ReactNode;
}

/** A class in a list: its name leads to its page. */
export function ClassLine({ of: { id, name, seen }, children }: ClassLineProps) {
  return (
    <li>
      <Link href={`/classes/${id}`}>
        <span className="class-name">{name}</span>
        <ClassBadge seen={seen} />
        {children}
      </Link>
    </li>
  );
}
