/** The token of an `Authorization: Bearer` header, or `null`. */
export function bearerOf(authorization: string | undefined): string | null {
  const [, token = null] = /^bearer +(\S+) *$/i.exec(authorization ?? '') ?? [];
  return token;
}
