/**
 * The fields of a value that a validator does not read. Validators that accept further properties read only those that they know, so these
 * are misspelt or in the wrong place.
 *
 * @param validate may throw, if the value is not valid
 * @returns paths such as `spec.replica`, of the outermost field that is not read
 */
export function unknownFields(value: object, validate: (value: object) => void): string[] {
  const read = new Set<string>();
  validate(recording(value, '', read) as object);
  return unread(value, '', read);
}

/** The same value; what is read of it is noted by its path. Reading the list of keys reads all of them. */
function recording(value: unknown, path: string, read: Set<string>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return new Proxy(value, {
    get(target, key) {
      if (typeof key === 'symbol') return Reflect.get(target, key);
      read.add(join(path, key));
      return recording(Reflect.get(target, key), join(path, key), read);
    },
    ownKeys(target) {
      for (const key of Object.keys(target)) read.add(join(path, key));
      return Reflect.ownKeys(target);
    },
  });
}

function unread(value: unknown, path: string, read: ReadonlySet<string>): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) =>
    read.has(join(path, key)) ? unread(child, join(path, key), read) : [join(path, key)],
  );
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}
