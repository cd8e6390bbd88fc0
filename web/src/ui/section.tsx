import { type ReactNode, useId } from 'react';
import { Link } from 'wouter';

interface SectionProps {
  readonly title: string;
  /** Where the title leads to, if anywhere. */
  readonly href?: string;
  readonly className?: string;
  readonly children: ReactNode;
}

/** A part of a page that its title names. */
export function Section({ title, href, className, children }: SectionProps) {
  const id = useId();
  return (
    <section aria-labelledby={id} className={className}>
      <h2 id={id}>{href === undefined ? title : <Link href={href}>{title}</Link>}</h2>
      {children}
    </section>
  );
}
