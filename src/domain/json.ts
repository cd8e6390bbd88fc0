/** A JSON object, as it is stored in and read from the database. */
export type JsonObject = { readonly [key: string]: unknown };
