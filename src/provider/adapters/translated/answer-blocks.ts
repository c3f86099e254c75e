import type { JSONObject, SharedV4ProviderMetadata } from '@ai-sdk/provider';
import type { AnswerBlock, Vendor } from './vendor.js';

/** The blocks of an answer as they grow: what a vendor wants back belongs to a block, not to a piece of it. */
export class AnswerBlocks {
  private readonly blocks = new Map<string, AnswerBlock>();
  private textChars = 0;
  private calls = 0;

  constructor(private readonly vendor: Vendor) {}

  /** Adds a piece of a block, as the caller gets it; its metadata, when it comes, replaces what was said before under the same name. */
  add(kind: AnswerBlock['kind'], id: string, text: string, metadata: SharedV4ProviderMetadata | undefined): void {
    const key = `${kind} ${id}`;
    const known = this.blocks.get(key);
    const block = known ?? { kind, text: '', metadata: {}, before: { textChars: this.textChars, calls: this.calls } };
    if (known === undefined) this.blocks.set(key, block);
    // Text is only needed again where it is signed; answers are long.
    if (kind === 'reasoning') block.text += text;
    else this.textChars += text.length;
    if (metadata !== undefined) Object.assign(block.metadata, metadataOf(metadata, this.vendor));
  }

  /** A tool call has begun. */
  addCall(): void {
    this.calls += 1;
  }

  list(): readonly AnswerBlock[] {
    return [...this.blocks.values()];
  }
}

/** What this vendor said in the metadata of a part. */
export function metadataOf(metadata: SharedV4ProviderMetadata | undefined, vendor: Vendor): JSONObject {
  return metadata?.[vendor.optionsKey] ?? {};
}
