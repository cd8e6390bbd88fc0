/** A value of a JSON document that JavaScript cannot hold, as it is written: `1e400`, an object with one key twice. */
export class RawJson {
  constructor(readonly text: string) {}
}

/** JSON with the raw values as they are written. An undefined field is left out. */
export function writeJson(value: unknown): string {
  if (value instanceof RawJson) return value.text;
  if (Array.isArray(value)) return `[${value.map((element) => writeJson(element ?? null)).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value).filter(([, field]) => field !== undefined);
    return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${writeJson(field)}`).join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}
