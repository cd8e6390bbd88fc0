import type { Estimate } from './report-values.js';

interface IntervalBarProps {
  readonly estimate: Estimate;
  /** The value at the right end. */
  readonly most: number;
  readonly strong?: boolean;
}

/** A figure as a bar, with its interval as a line over the end. The figures stand beside it as text. */
export function IntervalBar({ estimate: { value, low, high }, most, strong = false }: IntervalBarProps) {
  if (value === null || most <= 0) return null;
  const x = (figure: number) => (100 * figure) / most;
  return (
    <svg aria-hidden className="interval" viewBox="0 0 100 12" preserveAspectRatio="none">
      <rect x="0" y="2" width={x(value)} height="8" fill={strong ? 'var(--accent)' : 'var(--bar)'} />
      {low !== null && high !== null && (
        <g stroke="var(--ink)" strokeWidth="1.5">
          <line vectorEffect="non-scaling-stroke" x1={x(low)} x2={x(high)} y1="6" y2="6" />
          <line vectorEffect="non-scaling-stroke" x1={x(low)} x2={x(low)} y1="3" y2="9" />
          <line vectorEffect="non-scaling-stroke" x1={x(high)} x2={x(high)} y1="3" y2="9" />
        </g>
      )}
    </svg>
  );
}
