/** The URL path of an image's bytes. It is stable, because the id of the bytes is their hash. */
export function mediaUrl(sha256: string, width: number | null): string {
  return width === null ? `/media/${sha256}` : `/media/${sha256}?width=${width}`;
}
