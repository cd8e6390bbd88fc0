/** Two circles that share a part: the common space of two modalities. */
export function Logo() {
  return (
    <svg aria-hidden width="26" height="26" viewBox="0 0 32 32">
      <rect width="32" height="32" rx="8" fill="var(--accent)" />
      <circle cx="12.5" cy="16" r="6.5" fill="#fff" fillOpacity=".9" />
      <circle cx="19.5" cy="16" r="6.5" fill="none" stroke="#fff" strokeWidth="2" />
    </svg>
  );
}
