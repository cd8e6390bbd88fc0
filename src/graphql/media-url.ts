/** Where a picture's bytes are served: a stable address, for the name of the bytes is their hash. */
export function mediaUrl(sha256: string, width: number | null): string {
  return width === null ? `/media/${sha256}` : `/media/${sha256}?width=${width}`;
}
