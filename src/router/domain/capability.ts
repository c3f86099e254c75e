import type { Model, RequestNeeds } from './model.js';

/** What a request can need beyond chat, as bits, so that a pool of thousands is filtered with one `and` a model. */
const CAPABILITIES = [
  { bit: 1, name: 'tools', tags: ['tools'] },
  { bit: 2, name: 'vision', tags: ['vision'] },
  { bit: 4, name: 'json_schema', tags: ['json_schema', 'json'] },
] as const;

/** Bits that the feature tags of a model declare. `chat` needs no tag: everything in the pool chats. */
export function declaredCapabilities(model: Pick<Model, 'featureTags'>): number {
  let bits = 0;
  for (const capability of CAPABILITIES) {
    if (capability.tags.some((tag) => model.featureTags.includes(tag))) bits |= capability.bit;
  }
  return bits;
}

/** Bits that a request needs. */
export function neededCapabilities(needs: RequestNeeds): number {
  return (needs.tools ? 1 : 0) | (needs.vision ? 2 : 0) | (needs.jsonSchema ? 4 : 0);
}

/** Whether the tags of a model declare everything that a request needs. */
export function canDo(model: Pick<Model, 'featureTags'>, needs: RequestNeeds): boolean {
  return (neededCapabilities(needs) & ~declaredCapabilities(model)) === 0;
}

/** Names of the needed capabilities that are not declared, e.g. `tools and vision`. */
export function nameMissing(needed: number, declared: number): string {
  const missing = needed & ~declared;
  return CAPABILITIES.filter((capability) => (missing & capability.bit) !== 0)
    .map((capability) => capability.name)
    .join(' and ');
}
