const SECRET_FIELDS: ReadonlySet<string> = new Set(['key', 'api_key', 'token', 'secret', 'password', 'authorization']);

export const MASK = '[masked]';

/** A copy for the audit log: fields that hold secrets say only that they were set; absent ones stay absent. */
export function maskSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(maskSecrets);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, maskField(name, field)]));
}

function maskField(name: string, field: unknown): unknown {
  if (!SECRET_FIELDS.has(name)) return maskSecrets(field);
  return field === null || field === undefined ? field : MASK;
}
