import { createHash } from 'node:crypto';

/** Characters of a name that are kept when it has to be changed. */
const KEPT_CHARS = 40;

/**
 * The names of one request's tools at a vendor that takes other names than the caller's, and the way back. A name that fits stays;
 * the same request always gives the same names.
 */
export class ToolNames {
  private readonly sent = new Map<string, string>();
  private readonly callers = new Map<string, string>();

  /** @param accepts the names that the vendor takes. */
  constructor(private readonly accepts: RegExp) {}

  /** The vendor's name of a tool. */
  of(name: string): string {
    return this.sent.get(name) ?? this.add(name);
  }

  /** The vendor's name of one more tool: several may have one name at the caller's. */
  add(name: string): string {
    let count = 0;
    let own = name;
    while (!this.accepts.test(own) || this.callers.has(own)) own = written(name, (count += 1));
    this.callers.set(own, name);
    if (!this.sent.has(name)) this.sent.set(name, own);
    return own;
  }

  /** The caller's name of a tool that the vendor's model calls. */
  callersName(name: string): string {
    return this.callers.get(name) ?? name;
  }
}

function written(name: string, count: number): string {
  const plain = name.replaceAll(/[^a-zA-Z0-9_-]/g, '_').slice(0, KEPT_CHARS);
  const hash = createHash('sha256')
    .update(`${String(count)} ${name}`)
    .digest('hex')
    .slice(0, 8);
  return `${/^[a-zA-Z_]/.test(plain) ? '' : '_'}${plain}_${hash}`;
}
