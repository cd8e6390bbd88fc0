/** Ids are UUIDs. Check one from outside before it reaches the database, which refuses a statement with anything else. */
export function isUuid(id: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id);
}

/** Whether this is the hex sha256 of some content, such as the id of an uploaded image. */
export function isSha256(id: string): boolean {
  return /^[0-9a-f]{64}$/.test(id);
}
