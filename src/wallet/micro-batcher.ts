import { AppError } from '../platform/errors/index.js';
import { InFlight } from '../platform/in-flight/index.js';
import { walletOverloaded, walletTimedOut } from './wallet.errors.js';

/** One connection's way to run requests: alone, or many in one statement with results in the same order. */
export interface Lane<Request, Result> {
  one(request: Request): Promise<Result>;
  many(requests: readonly Request[]): Promise<readonly Result[]>;
}

export interface BatchLimits {
  /** Most members of one statement. */
  batchMax: number;
  /** Most callers that may wait. */
  queueMax: number;
  /** Longest wait of one caller. */
  waitMs: number;
  /** Whether the wait ends when the statement begins: then its answer counts, whenever it comes. */
  answersCount?: boolean;
  /** So many must wait before a second lane is worth it; fewer do better together, when the first one is back. */
  secondLaneMin: number;
}

interface Member<Request, Result> {
  request: Request;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
  deadlineMs: number;
  done: boolean;
}

const CHECK_EVERY_MS = 50;
/** A statement that takes longer waits for something; those behind it take another lane. */
const SLOW_STATEMENT_MS = 20;

/**
 * Gathers concurrent callers into shared statements. Callers of one turn of the event loop leave at its end, together, so
 * nothing but the rest of the turn is added to a quiet system; while a statement runs, callers wait in order and leave
 * with the lane that is free next.
 * A statement that fails as a whole is run again member by member, so one bad member fails alone. That needs requests
 * that are safe to run twice.
 */
export class MicroBatcher<Request, Result> {
  private readonly idle: Lane<Request, Result>[];
  private waiting: Member<Request, Result>[] = [];
  /** Members of statements that are running. */
  private readonly running = new InFlight<readonly Member<Request, Result>[]>();
  private open = 0;
  private timer: NodeJS.Timeout | null = null;
  private departure: NodeJS.Immediate | null = null;
  private lastStartMs = 0;

  constructor(
    lanes: readonly Lane<Request, Result>[],
    private readonly limits: BatchLimits,
    private readonly onBatch: (size: number) => void = () => undefined,
  ) {
    this.idle = [...lanes];
  }

  /**
   * @throws AppError `unavailable` when the queue is full, the wait is over or the database is away; otherwise what the
   * request's own statement throws.
   */
  submit(request: Request): Promise<Result> {
    if (this.waiting.length >= this.limits.queueMax) return Promise.reject(walletOverloaded());
    return new Promise((resolve, reject) => {
      const deadlineMs = performance.now() + this.limits.waitMs;
      const member = { request, resolve, reject, deadlineMs, done: false };
      this.open += 1;
      this.timer ??= setInterval(() => this.check(), CHECK_EVERY_MS).unref();
      this.waiting.push(member);
      this.departSoon();
    });
  }

  /** Callers that have not been answered. */
  get openCount(): number {
    return this.open;
  }

  private departSoon(): void {
    if (this.idle.length === 0) return;
    this.departure ??= setImmediate(() => {
      this.departure = null;
      this.depart();
    });
  }

  private depart(): void {
    while (this.waiting.length > 0 && this.mayStart()) {
      const lane = this.idle.pop();
      if (lane === undefined) return;
      void this.run(lane, this.takeWaiting());
    }
  }

  private mayStart(): boolean {
    if (this.running.size === 0 || this.waiting.length >= this.limits.secondLaneMin) return true;
    return performance.now() - this.lastStartMs > SLOW_STATEMENT_MS;
  }

  private async run(lane: Lane<Request, Result>, members: readonly Member<Request, Result>[]): Promise<void> {
    const place = this.running.enter(members);
    this.lastStartMs = performance.now();
    this.onBatch(members.length);
    try {
      await this.answer(lane, members);
    } catch (error) {
      if (members.length === 1 || isUnavailable(error)) for (const member of members) this.fail(member, error);
      else for (const member of members) await this.runAlone(lane, member);
    }
    this.running.leave(place);
    this.idle.push(lane);
    if (this.waiting.length > 0) this.departSoon();
  }

  private async answer(lane: Lane<Request, Result>, members: readonly Member<Request, Result>[]): Promise<void> {
    const [first] = members;
    if (first !== undefined && members.length === 1) {
      this.succeed(first, await lane.one(first.request));
      return;
    }
    const results = await lane.many(members.map((member) => member.request));
    if (results.length !== members.length) throw new Error('a batch must answer every member');
    for (const [at, result] of results.entries()) this.succeed(members[at] as Member<Request, Result>, result);
  }

  private async runAlone(lane: Lane<Request, Result>, member: Member<Request, Result>): Promise<void> {
    try {
      this.succeed(member, await lane.one(member.request));
    } catch (error) {
      this.fail(member, error);
    }
  }

  private takeWaiting(): Member<Request, Result>[] {
    const { batchMax } = this.limits;
    const taken = this.waiting.length <= batchMax ? this.waiting : this.waiting.slice(0, batchMax);
    this.waiting = this.waiting.length <= batchMax ? [] : this.waiting.slice(batchMax);
    return taken;
  }

  private check(): void {
    if (this.limits.answersCount !== true) for (const members of this.running) this.failLate(members);
    this.failLate(this.waiting);
    this.waiting = this.waiting.filter((member) => !member.done);
    this.depart();
  }

  /** @param members in order of their deadlines. */
  private failLate(members: readonly Member<Request, Result>[]): void {
    const nowMs = performance.now();
    for (const member of members) {
      if (member.deadlineMs > nowMs) return;
      this.fail(member, walletTimedOut(this.limits.waitMs));
    }
  }

  private succeed(member: Member<Request, Result>, result: Result): void {
    if (this.close(member)) member.resolve(result);
  }

  private fail(member: Member<Request, Result>, error: unknown): void {
    if (this.close(member)) member.reject(error);
  }

  private close(member: Member<Request, Result>): boolean {
    if (member.done) return false;
    member.done = true;
    this.open -= 1;
    if (this.open === 0 && this.timer !== null) {
      clearInterval(this.timer);
      this.timer = null;
    }
    return true;
  }
}

/** The database could not be reached or did not answer: retrying members one by one would only take longer. */
export function isUnavailable(error: unknown): error is AppError {
  return error instanceof AppError && error.kind === 'unavailable';
}
