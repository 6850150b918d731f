/**
 * Filters live in the address. Values are plain words (`?state=UNKNOWN&state=WORKING`), repeated
 * for lists; what an address cannot mean is dropped, never an error.
 */

type Raw = Record<string, unknown>;

export function parseSearch(search: string): Raw {
  const params = new URLSearchParams(search);
  const result: Raw = {};
  for (const key of new Set(params.keys())) {
    const values = params.getAll(key);
    result[key] = values.length > 1 ? values : values[0];
  }
  return result;
}

export function stringifySearch(search: Raw): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(search)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== undefined && each !== null && each !== '') params.append(key, String(each));
    }
  }
  const text = params.toString();
  return text === '' ? '' : `?${text}`;
}

export function text<K extends string>(raw: Raw, key: K): { [P in K]?: string } {
  const value = raw[key];
  return (typeof value === 'string' && value !== '' ? { [key]: value } : {}) as {
    [P in K]?: string;
  };
}

/** The texts among `keys` that the address has. */
export function texts<K extends string>(raw: Raw, ...keys: K[]): { [P in K]?: string } {
  return Object.assign({}, ...keys.map((key) => text(raw, key)));
}

export function oneOf<K extends string, V extends string>(
  raw: Raw,
  key: K,
  allowed: readonly V[],
): { [P in K]?: V } {
  const value = raw[key];
  return (isAllowed(value, allowed) ? { [key]: value } : {}) as { [P in K]?: V };
}

export function manyOf<K extends string, V extends string>(
  raw: Raw,
  key: K,
  allowed: readonly V[],
): { [P in K]?: V[] } {
  const value = raw[key];
  const values = (Array.isArray(value) ? value : [value]).filter((each) =>
    isAllowed(each, allowed),
  );
  return (values.length > 0 ? { [key]: values } : {}) as { [P in K]?: V[] };
}

function isAllowed<V extends string>(value: unknown, allowed: readonly V[]): value is V {
  return typeof value === 'string' && (allowed as readonly string[]).includes(value);
}
