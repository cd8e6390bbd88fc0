/** Ids are UUIDs. Check an id of a caller before it reaches SQL: the database refuses a statement with any other text. */
export function isUuid(id: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id);
}

/** Whether the id has the form of a hex sha256, as the ids of uploaded images do. */
export function isSha256(id: string): boolean {
  return /^[0-9a-f]{64}$/.test(id);
}
