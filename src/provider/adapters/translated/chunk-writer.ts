import type { LanguageModelV4StreamPart } from '@ai-sdk/provider';
import { isRecord, type JsonRecord } from '../../domain/json.js';
import { AnswerBlocks, metadataOf } from './answer-blocks.js';
import { imageOf, newAnswerId } from './completion.js';
import { finishReasonOf } from './finish.js';
import { streamFailure } from './failures.js';
import type { ToolNames } from './tool-names.js';
import { usageOf } from './usage.js';
import type { AnswerHead, Vendor } from './vendor.js';

type Part<Type extends LanguageModelV4StreamPart['type']> = Extract<LanguageModelV4StreamPart, { type: Type }>;

interface OpenCall {
  index: number;
  hasArguments: boolean;
}

/**
 * Writes the parts of a streamed answer as OpenAI's chunks: the role first, pieces as they come, then what the vendor wants
 * back, the reason of the end, and the usage.
 */
export class ChunkWriter {
  /** The vendor has said that the answer is whole. */
  isFinished = false;
  private readonly head: AnswerHead;
  private readonly blocks: AnswerBlocks;
  private readonly calls = new Map<string, OpenCall>();
  private hasRole = false;

  private readonly createdS: number;
  private readonly names: ToolNames;
  private overlap: string;

  /**
   * @param asked what was asked, when (seconds since the epoch), what its tools are called at the vendor, and white space that the
   *   answer may begin with and the caller has already.
   */
  constructor(
    private readonly vendor: Vendor,
    { modelId, createdS, names, overlap }: { modelId: string; createdS: number; names: ToolNames; overlap: string },
  ) {
    this.createdS = createdS;
    this.names = names;
    this.overlap = overlap;
    this.head = { id: newAnswerId(), model: modelId };
    this.blocks = new AnswerBlocks(vendor);
  }

  /**
   * The chunks that a part makes, as JSON text; often none.
   * @throws UpstreamFailure when the part is an error.
   */
  write(part: LanguageModelV4StreamPart): string[] {
    switch (part.type) {
      case 'raw':
        this.readRaw(part.rawValue);
        return [];
      case 'response-metadata':
        if (part.id !== undefined) this.head.id = part.id;
        if (part.modelId !== undefined) this.head.model = part.modelId;
        return [];
      case 'text-start':
      case 'text-delta':
      case 'text-end':
        return this.piece('text', 'content', part);
      case 'reasoning-start':
      case 'reasoning-delta':
      case 'reasoning-end':
        return this.piece('reasoning', 'reasoning_content', part);
      case 'tool-input-start':
        return part.providerExecuted === true ? [] : this.callChunk(part.id, part.toolName, part);
      case 'tool-input-delta':
        return this.argumentsChunk(part.id, part.delta);
      case 'tool-call':
        return part.providerExecuted === true ? [] : this.wholeCall(part);
      case 'file':
        return this.deltas({ images: [imageOf(part)] });
      case 'finish':
        return this.finish(part);
      case 'error':
        throw streamFailure(part.error);
      default:
        return [];
    }
  }

  private readRaw(raw: unknown): void {
    if (isRecord(raw)) Object.assign(this.head, this.vendor.headOf(raw));
  }

  private piece(
    kind: 'text' | 'reasoning',
    field: string,
    part: Part<'text-start' | 'text-delta' | 'text-end' | 'reasoning-start' | 'reasoning-delta' | 'reasoning-end'>,
  ): string[] {
    const delta = 'delta' in part ? part.delta : '';
    const text = kind === 'text' && this.overlap !== '' ? this.withoutOverlap(delta) : delta;
    this.blocks.add(kind, part.id, text, part.providerMetadata);
    return text === '' ? [] : this.deltas({ [field]: text });
  }

  private withoutOverlap(text: string): string {
    let at = 0;
    while (at < text.length && at < this.overlap.length && text[at] === this.overlap[at]) at += 1;
    // Once the texts differ, or all of it has come, nothing more is left out.
    this.overlap = at === text.length ? this.overlap.slice(at) : '';
    return text.slice(at);
  }

  private callChunk(
    id: string,
    toolName: string,
    { providerMetadata }: Pick<Part<'tool-call'>, 'providerMetadata'>,
  ): string[] {
    const index = this.calls.size;
    const name = this.names.callersName(toolName);
    this.calls.set(id, { index, hasArguments: false });
    this.blocks.addCall();
    const fields = this.vendor.toolCallFields(metadataOf(providerMetadata, this.vendor));
    const call = { index, id, type: 'function', function: { name, arguments: '' }, ...fields };
    return this.deltas({ tool_calls: [call] });
  }

  private argumentsChunk(id: string, text: string): string[] {
    const call = this.calls.get(id);
    if (call === undefined || text === '') return [];
    call.hasArguments = true;
    return this.deltas({ tool_calls: [{ index: call.index, function: { arguments: text } }] });
  }

  /** A call that came in pieces has been told; one that came at once, or without arguments, has not. */
  private wholeCall(part: Part<'tool-call'>): string[] {
    const { toolCallId: id, toolName, input } = part;
    const begun = this.calls.has(id) ? [] : this.callChunk(id, toolName, part);
    return this.calls.get(id)?.hasArguments === true ? begun : [...begun, ...this.argumentsChunk(id, input)];
  }

  private finish({ finishReason, usage, providerMetadata }: Part<'finish'>): string[] {
    // The connection closed before the vendor's own end: what is here is a part of an answer.
    if (finishReason.unified === 'interrupted') return [];
    const facts = { hasToolCalls: this.calls.size > 0, hasOutput: this.hasRole };
    const reason = finishReasonOf(finishReason, facts, this.vendor);
    const refusal =
      reason === 'content_filter' ? this.vendor.refusalOf(metadataOf(providerMetadata, this.vendor)) : null;
    const opaque = this.vendor.messageFields(this.blocks.list());
    const chunks = Object.keys(opaque).length > 0 ? this.deltas(opaque) : this.role();
    // With the reason of the end: that is how a notice differs from a refusal that the model wrote, and was paid for.
    const delta = refusal === null ? {} : { refusal };
    chunks.push(this.chunk([{ index: 0, delta, logprobs: null, finish_reason: reason }]));
    const counted = usageOf(usage);
    if (counted !== null) chunks.push(this.chunk([], { usage: counted }));
    this.isFinished = true;
    return chunks;
  }

  private deltas(delta: JsonRecord): string[] {
    return [...this.role(), this.chunk([{ index: 0, delta, logprobs: null, finish_reason: null }])];
  }

  private role(): string[] {
    if (this.hasRole) return [];
    this.hasRole = true;
    const delta = { role: 'assistant', content: '' };
    return [this.chunk([{ index: 0, delta, logprobs: null, finish_reason: null }])];
  }

  private chunk(choices: readonly JsonRecord[], more: JsonRecord = {}): string {
    const { id, model } = this.head;
    return JSON.stringify({ id, object: 'chat.completion.chunk', created: this.createdS, model, choices, ...more });
  }
}
