import type { TokenUsage } from '../domain/call.js';
import { joinContentParts } from '../domain/content-parts.js';
import { failureOfPayload } from '../domain/error-payload.js';
import { UpstreamFailure } from '../domain/failure.js';
import { checkFinish } from '../domain/finish-reason.js';
import { reasoningTokensOf } from '../domain/hidden-output.js';
import { isRecord, type JsonRecord } from '../domain/json.js';
import { canHold, mergedUsage, normaliseUsage } from '../domain/usage.js';
import { liftUsage, usageIn } from '../domain/usage-place.js';
import { readEvent } from '../transport/answer-json.js';
import { bytesOf, type Chunk, type Piece } from './chunk.js';
import { ChunkTemplate } from './chunk-template.js';
import { DeltaReader } from './delta-reader.js';
import { ToolCallRepair } from './tool-call-repair.js';

/** A chunk without any output. */
const SILENT: Omit<Chunk, 'data'> = {
  outputChars: 0,
  outputBytes: 0,
  dataTokens: 0,
  usageOnly: false,
  isContent: false,
  isFinish: false,
  pieces: [],
};

/** Choices of one stream: callers may ask for 16. */
const CHOICES_MAX = 128;

const LINE_ENDS = /[\r\n]/;

/** Fields that clients compare between chunks. */
const HEAD_FIELDS = ['id', 'object', 'created', 'model'] as const;

/**
 * Reads the chunks of one stream: what each carries, and what the stream as a whole has said about usage and its end.
 * Every chunk is parsed, or has the very form of one that was: a payload that is not JSON must never be forwarded.
 */
export class ChunkReader {
  /** The upstream's last word on usage; `countedUsage` says whether it is to be believed. */
  usage: TokenUsage | null = null;
  outputChars = 0;
  /** Output of any kind has come. */
  hasOutput = false;
  /** Why the choice that ended last has ended, as the upstream says. */
  finishReason: string | null = null;
  /** Output has come since the last usage. */
  hasOutputSinceUsage = false;
  /** What the upstream's usage objects said together, in its own words. */
  reportedUsage: JsonRecord | null = null;
  private usagesRead = 0;
  /** By the index of the choice. */
  private readonly choiceUsages = new Map<unknown, JsonRecord>();
  private readonly deltas = new DeltaReader();
  private readonly template = new ChunkTemplate();
  private readonly toolCalls = new ToolCallRepair();
  private readonly begunChoices = new Set<unknown>();
  private readonly finishedChoices = new Set<unknown>();
  private head: JsonRecord = {};

  /** @param choices how many the caller asked for (`n`). */
  constructor(private readonly choices: number = 1) {}

  /** A tool call has begun: the answer cannot be continued by another endpoint. */
  get hasToolCalls(): boolean {
    return this.deltas.hasToolCalls;
  }

  /** Output other than ordinary text has begun: likewise. */
  get hasOtherOutput(): boolean {
    return this.deltas.hasOtherOutput;
  }

  /** Tokens of thoughts, as the last usage names them. */
  get reasoningTokens(): number {
    return reasoningTokensOf(this.reportedUsage);
  }

  /** Indexes of the choices that have said why they ended. */
  get finished(): ReadonlySet<unknown> {
    return this.finishedChoices;
  }

  /** Every choice has said why it ended: what follows can only be usage and the end marker. */
  get isFinished(): boolean {
    return this.finishedChoices.size >= this.choices;
  }

  /**
   * The upstream's own count.
   * @param isComplete the stream was whole.
   * @returns `null` when it sent none, or one that does not count what it wrote.
   */
  countedUsage(isComplete: boolean): TokenUsage | null {
    const { usage, outputChars, hasOutputSinceUsage } = this;
    if (usage === null || (usage.outputTokens === 0 && this.hasOutput)) return null;
    // Said early and never corrected because the stream broke.
    if (!isComplete && hasOutputSinceUsage) return null;
    // Said before the output, or again and again but each time only of the last piece.
    const isProvisional = hasOutputSinceUsage || this.usagesRead > 1;
    return isProvisional && !canHold(usage.outputTokens, outputChars) ? null : usage;
  }

  /**
   * Reads one payload.
   * @throws UpstreamFailure when it is no chunk: not JSON, not an object, or an error.
   */
  read(data: string, event: string): Chunk {
    const text = event === 'message' ? this.template.match(data) : null;
    return text === null ? this.parse(data, event) : this.textChunk(data, text);
  }

  private textChunk(data: string, text: string): Chunk {
    this.outputChars += text.length;
    this.hasOutput = true;
    this.hasOutputSinceUsage = true;
    const pieces: readonly Piece[] = [{ channel: 'content', text }];
    const outputBytes = Buffer.byteLength(text);
    return {
      data,
      outputChars: text.length,
      outputBytes,
      dataTokens: 0,
      usageOnly: false,
      isContent: true,
      isFinish: false,
      pieces,
    };
  }

  /**
   * What a stream that ended properly left unsaid: clients wait for the finish reason of every choice.
   * @returns `null` when nothing is missing, or when there was no answer.
   * @throws UpstreamFailure `no_finish` when nothing proves that the answer is whole: a relay sends its end marker after a cut one, too.
   */
  closing(): Chunk | null {
    const open = [...this.begunChoices].filter((index) => !this.finishedChoices.has(index));
    if (open.length === 0 || (!this.hasOutput && !this.hasToolCalls && !this.hasOtherOutput)) return null;
    // A server counts the tokens of an answer when it has ended.
    if (this.usage === null || this.hasOutputSinceUsage) {
      throw new UpstreamFailure('endpoint_fault', 'no_finish', { status: 200 });
    }
    for (const index of open) this.finishedChoices.add(index);
    const finish = this.hasToolCalls ? 'tool_calls' : 'stop';
    const choices = open.map((index) => {
      const missing = this.toolCalls.unfinished(index);
      const delta = missing.length === 0 ? {} : { tool_calls: missing };
      return { index, delta, logprobs: null, finish_reason: finish };
    });
    const data = JSON.stringify({ ...this.head, choices });
    return { ...SILENT, data, isContent: true, isFinish: true };
  }

  private parse(data: string, event: string): Chunk {
    const parsed = readEvent(data);
    const isLifted = liftUsage(parsed, this.choiceUsages);
    // Also of an error: what was written before it has its price.
    const hasUsage = this.readUsage(usageIn(parsed));
    const failure = failureOfPayload(event === 'error' ? { error: parsed, ...parsed } : parsed, 'error_in_stream');
    if (failure !== null) throw failure;
    const isRepaired = this.repair(parsed) || isLifted;
    const choices = parsed['choices'] as readonly unknown[];
    const text = isRepaired ? JSON.stringify(parsed) : onOneLine(data);
    if (choices.length === 0) {
      return { ...SILENT, data: text, usageOnly: hasUsage };
    }
    const pieces: Piece[] = [];
    let isContent = false;
    const finished: unknown[] = [];
    for (const choice of choices) {
      if (!isRecord(choice)) continue;
      this.begin(choice, parsed);
      if (this.deltas.read(choice, pieces)) isContent = true;
      if (this.readFinish(choice)) finished.push(choice['index']);
    }
    let outputChars = 0;
    for (const piece of pieces) outputChars += piece.text.length;
    this.outputChars += outputChars;
    const dataTokens = this.deltas.takeDataTokens();
    if (outputChars > 0 || dataTokens > 0) {
      this.hasOutput = true;
      this.hasOutputSinceUsage ||= !hasUsage;
    }
    const isFinish = finished.length > 0;
    if (isFinish) checkFinish(this.finishReason, this.hasOutput || this.hasToolCalls || this.hasOtherOutput);
    for (const index of finished) this.finishedChoices.add(index);
    if (!isContent && !isFinish && !hasUsage && text === data) this.learn(data, pieces);
    isContent ||= isFinish || outputChars > 0;
    const outputBytes = bytesOf(pieces);
    return { data: text, outputChars, outputBytes, dataTokens, usageOnly: false, isContent, isFinish, pieces };
  }

  private begin({ index }: JsonRecord, chunk: JsonRecord): void {
    if (this.begunChoices.has(index)) return;
    if (this.begunChoices.size >= CHOICES_MAX)
      throw new UpstreamFailure('endpoint_fault', 'too_many_choices', { status: 200 });
    if (this.begunChoices.size === 0) for (const field of HEAD_FIELDS) this.head[field] = chunk[field];
    this.begunChoices.add(index);
  }

  /**
   * Puts right, in place, what clients of OpenAI's format stumble over: no list of choices, choices without a delta (Azure's
   * filters), content in parts (Mistral), empty finish reasons (Ollama), tool calls that cannot be told apart.
   * @returns whether something was changed.
   */
  private repair(chunk: JsonRecord): boolean {
    let isChanged = false;
    const { choices } = chunk;
    if (!Array.isArray(choices)) {
      chunk['choices'] = [];
      return true;
    }
    for (const choice of choices as unknown[]) {
      if (isRecord(choice) && this.repairChoice(choice)) isChanged = true;
    }
    return isChanged;
  }

  private repairChoice(choice: JsonRecord): boolean {
    let isChanged = false;
    if (choice['finish_reason'] === '') {
      choice['finish_reason'] = null;
      isChanged = true;
    }
    const { delta } = choice;
    if (!isRecord(delta)) {
      choice['delta'] = {};
      return true;
    }
    if (joinContentParts(delta)) isChanged = true;
    const calls = delta['tool_calls'];
    if (Array.isArray(calls) && this.toolCalls.repair(choice['index'], calls)) isChanged = true;
    return this.completeCalls(choice, delta) || isChanged;
  }

  /** A call that ends without arguments gets an empty object with the finish reason; a cut one stays as it is. */
  private completeCalls(choice: JsonRecord, delta: JsonRecord): boolean {
    const finish = choice['finish_reason'];
    if (finish !== 'tool_calls' && finish !== 'stop') return false;
    const missing = this.toolCalls.unfinished(choice['index']);
    if (missing.length === 0) return false;
    delta['tool_calls'] = [
      ...(Array.isArray(delta['tool_calls']) ? (delta['tool_calls'] as unknown[]) : []),
      ...missing,
    ];
    return true;
  }

  /** A chunk that is nothing but a piece of content is what the next ones will look like. */
  private learn(data: string, pieces: readonly Piece[]): void {
    const [only] = pieces;
    if (pieces.length === 1 && only?.channel === 'content') this.template.learn(data, only.text);
  }

  private readUsage(raw: JsonRecord | null): boolean {
    if (raw === null) return false;
    const merged = mergedUsage(this.reportedUsage, raw);
    const together = normaliseUsage(merged);
    const usage = together ?? normaliseUsage(raw);
    // A count that cannot be true is as good as none: an earlier one stays.
    if (usage !== null || this.usage === null) this.reportedUsage = together === null && usage !== null ? raw : merged;
    if (usage === null) return true;
    this.usage = usage;
    this.usagesRead += 1;
    this.hasOutputSinceUsage = false;
    return true;
  }

  private readFinish(choice: JsonRecord): boolean {
    const finish = choice['finish_reason'];
    if (typeof finish !== 'string' || finish === '') return false;
    this.finishReason = finish;
    return true;
  }
}

/** A payload that came in several `data:` lines must leave in one; where it is JSON, a line end is only space between tokens. */
function onOneLine(data: string): string {
  return LINE_ENDS.test(data) ? data.replaceAll(/[\r\n]+/g, ' ') : data;
}
