/** A vendor's adapter as the battery calls it. */
export interface BatteryAdapter {
  /** What it is called in tests. */
  name: string;
  adapter: string;
  /** Path of its base URL at the upstream. */
  path: string;
  /** Cases that this vendor has no word for. */
  without?: readonly string[];
}

/** Who has to pass the battery. A new vendor is one line. */
export const ADAPTERS: readonly BatteryAdapter[] = [
  { name: 'openai', adapter: 'openai', path: '/v1' },
  { name: 'anthropic', adapter: 'anthropic', path: '/v1' },
  // Gemini's cache is written for nothing, and not counted.
  { name: 'gemini', adapter: 'gemini', path: '/v1beta', without: ['tokens written to a cache'] },
];
