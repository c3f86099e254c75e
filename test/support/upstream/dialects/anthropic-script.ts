import {
  argumentPieces,
  callsOf,
  piecesOf,
  SIGNATURE,
  THOUGHTS,
  type ChatBody,
  type JsonRecord,
  type ToolCall,
} from '../answer.js';
import type { Behaviour } from '../behaviour.js';
import type { Frame, Script } from '../dialect.js';
import { anthropicUsage, stopOf } from './anthropic-message.js';

/** Events of one streamed message: blocks one after the other, each opened and closed. */
export class AnthropicScript {
  private readonly calls: readonly ToolCall[];
  /** Index of the open block; -1 before the first. */
  private index = -1;
  private isOpen = false;

  constructor(
    private readonly behaviour: Behaviour,
    private readonly body: ChatBody,
  ) {
    this.calls = callsOf(behaviour, body, false);
  }

  write(): Script {
    const pieces = [...this.thoughts(), ...this.calls.flatMap((call) => this.call(call)), ...this.text()];
    return {
      begin: [this.start(), frame({ type: 'ping' })],
      pieces: pieces.map((frames, at) => [...this.usageBefore(at, pieces.length), ...frames]),
      finish: [...this.close(), this.messageDelta()],
      tail: this.behaviour.name === 'no-done' ? [] : [frame({ type: 'message_stop' })],
      faults: {
        brokenChunk: [
          { event: 'content_block_delta', data: '{"type":"content_block_delta","index":0,"delta":{"type":"te' },
        ],
        error: [errorFrame('overloaded_error', 'Overloaded at http://10.1.2.3:8000/v1')],
        limit: [errorFrame('rate_limit_error', 'This request would exceed your rate limit')],
      },
    };
  }

  private start(): Frame {
    const { name } = this.behaviour;
    const usage = anthropicUsage(
      this.behaviour,
      this.body,
      name === 'usage-early' || name === 'usage-zero' ? undefined : 1,
    );
    const message = {
      id: 'msg_upstream',
      type: 'message',
      role: 'assistant',
      model: this.body.model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      ...(name === 'usage-absent' ? {} : { usage: name === 'usage-null' ? null : usage }),
    };
    return frame({ type: 'message_start', message });
  }

  private messageDelta(): Frame {
    const { name } = this.behaviour;
    const delta = stopOf(this.behaviour, this.body, this.calls);
    const hasUsage = !['usage-absent', 'usage-early', 'usage-on-content'].includes(name);
    const usage = hasUsage ? { usage: anthropicUsage(this.behaviour, this.body) } : {};
    return frame({ type: 'message_delta', delta, ...usage });
  }

  private usageBefore(at: number, pieces: number): Frame[] {
    const { name } = this.behaviour;
    const delta = { stop_reason: null, stop_sequence: null };
    if (name === 'usage-twice' && at > 0) {
      return [frame({ type: 'message_delta', delta, usage: anthropicUsage(this.behaviour, this.body, at) })];
    }
    if (name !== 'usage-on-content' || at !== pieces - 1) return [];
    return [frame({ type: 'message_delta', delta, usage: anthropicUsage(this.behaviour, this.body) })];
  }

  private thoughts(): Frame[][] {
    const { name } = this.behaviour;
    if (name === 'redacted') return [this.open({ type: 'redacted_thinking', data: SIGNATURE })];
    if (name !== 'reasoning' && name !== 'signed') return [];
    const opened = this.open({ type: 'thinking', thinking: '', signature: '' });
    const pieces = THOUGHTS.map((thinking) => [this.delta({ type: 'thinking_delta', thinking })]);
    pieces.push([this.delta({ type: 'signature_delta', signature: SIGNATURE })]);
    return pieces.map((frames, at) => (at === 0 ? [...opened, ...frames] : frames));
  }

  private call({ id, name, arguments: text }: ToolCall): Frame[][] {
    const opened = this.open({ type: 'tool_use', id, name, input: {} });
    const pieces = ['', ...argumentPieces(text)].map((json) => [
      this.delta({ type: 'input_json_delta', partial_json: json }),
    ]);
    return pieces.map((frames, at) => (at === 0 ? [...opened, ...frames] : frames));
  }

  private text(): Frame[][] {
    if (this.calls.length > 0) return [];
    const pieces = piecesOf(this.behaviour, this.body);
    if (pieces.length === 0) return [];
    const opened = this.open({ type: 'text', text: '' });
    let known: Frame[] | null = null;
    let knownText = '';
    return pieces.map((text, at) => {
      // The pieces of a huge answer are one and the same.
      const frames: Frame[] = known !== null && text === knownText ? known : [this.delta({ type: 'text_delta', text })];
      known = frames;
      knownText = text;
      return at === 0 ? [...opened, ...frames] : frames;
    });
  }

  private open(block: JsonRecord): Frame[] {
    const closed = this.close();
    this.index += 1;
    this.isOpen = true;
    return [...closed, frame({ type: 'content_block_start', index: this.index, content_block: block })];
  }

  private close(): Frame[] {
    if (!this.isOpen) return [];
    this.isOpen = false;
    return [frame({ type: 'content_block_stop', index: this.index })];
  }

  private delta(delta: JsonRecord): Frame {
    return frame({ type: 'content_block_delta', index: this.index, delta });
  }
}

/** An event has the name of its type. */
function frame(payload: JsonRecord & { type: string }): Frame {
  return { event: payload.type, data: JSON.stringify(payload) };
}

function errorFrame(type: string, message: string): Frame {
  return frame({ type: 'error', error: { details: null, type, message }, request_id: 'req_upstream' });
}
