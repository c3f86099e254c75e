import { createHash } from 'node:crypto';

/** What breakers remember of a call: who made it and what it said, as hashes. */
export interface CallMark {
  /** The same for all calls of one account, in every process. */
  readonly caller: string;
  readonly body: string;
  readonly isStream: boolean;
}

/** The mark of a caller, in every process the same. */
export function callerMarkOf(callerId: string): string {
  return hashOf(callerId);
}

/** A mark that is made when a breaker asks for it: bodies have up to 8 MiB, and most calls never fail. */
export class LazyCallMark implements CallMark {
  private callerHash: string | null = null;
  private bodyHash: string | null = null;

  constructor(
    private readonly callerId: string,
    private readonly content: unknown,
    readonly isStream: boolean,
  ) {}

  get caller(): string {
    return (this.callerHash ??= callerMarkOf(this.callerId));
  }

  get body(): string {
    return (this.bodyHash ??= hashOf(JSON.stringify(this.content)));
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}
