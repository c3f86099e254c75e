import { createHash } from 'node:crypto';
import { UpstreamFailure } from '../../domain/failure.js';
import { isRecord, type JsonRecord } from '../../domain/json.js';
import type { Vendor } from './vendor.js';

const KEPT_MAX = 10_000;

/** A request as it may be sent, and what to do when it was taken. */
interface Variant {
  body: Readonly<JsonRecord>;
  taken: () => void;
}

/**
 * Leaves out of a history what only its maker can open, signatures of thoughts above all. They do not say who made them: a history
 * is sent as it is at first, and after a refusal that speaks of them without those of earlier turns, then without any. What was
 * refused is kept in mind, so that each costs one more request once.
 */
export class ForeignHistory {
  /** Hashes of what an upstream model has refused. */
  private readonly refused = new Set<string>();

  constructor(private readonly vendor: Vendor) {}

  /**
   * The ways to send a request, in order of trial.
   * @param target names the upstream model.
   */
  *variants(target: string, body: Readonly<JsonRecord>): Generator<Variant> {
    const { messages } = body;
    const given: readonly unknown[] = Array.isArray(messages) ? (messages as unknown[]) : [];
    let sent = given.map((message) => (this.isRefused(target, message) ? this.without(message) : message));
    yield { body: { ...body, messages: sent }, taken: () => undefined };
    const turn = given.findLastIndex((message) => isRecord(message) && message['role'] === 'user');
    for (const keepsTurn of [true, false]) {
      const next = sent.map((message, at) =>
        keepsTurn && at > turn && this.opaqueOf(message) !== '' ? message : this.without(message),
      );
      if (next.every((message, at) => message === sent[at])) continue;
      sent = next;
      const left = given.filter((message, at) => message !== next[at]);
      yield { body: { ...body, messages: next }, taken: () => left.forEach((message) => this.note(target, message)) };
    }
  }

  /** Whether the vendor refused what another maker had signed. */
  isAbout(error: unknown): boolean {
    if (!(error instanceof UpstreamFailure) || error.status === null) return false;
    return error.callerFault !== null && this.vendor.refusesThoughts.test(error.callerFault.message);
  }

  private isRefused(target: string, message: unknown): boolean {
    if (this.refused.size === 0) return false;
    const opaque = this.opaqueOf(message);
    return opaque !== '' && this.refused.has(keyOf(target, opaque));
  }

  private note(target: string, message: unknown): void {
    const opaque = this.opaqueOf(message);
    if (opaque === '') return;
    if (this.refused.size >= KEPT_MAX) this.refused.clear();
    this.refused.add(keyOf(target, opaque));
  }

  private opaqueOf(message: unknown): string {
    return isRecord(message) && message['role'] === 'assistant' ? this.vendor.opaqueOf(message) : '';
  }

  private without(message: unknown): unknown {
    return isRecord(message) && message['role'] === 'assistant' ? this.vendor.withoutThoughts(message) : message;
  }
}

function keyOf(target: string, opaque: string): string {
  return createHash('sha256').update(`${target} ${opaque}`).digest('base64url');
}
