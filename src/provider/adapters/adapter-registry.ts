import { Inject, Injectable } from '@nestjs/common';
import type { ProviderAdapter } from './adapter.js';

/** Every vendor that this gateway knows, from `adapters.ts`. */
export const ADAPTERS = Symbol('ADAPTERS');

@Injectable()
export class AdapterRegistry {
  private readonly byName: ReadonlyMap<string, ProviderAdapter>;

  constructor(@Inject(ADAPTERS) adapters: readonly ProviderAdapter[]) {
    this.byName = new Map(adapters.map((adapter) => [adapter.name, adapter]));
  }

  find(name: string): ProviderAdapter | null {
    return this.byName.get(name) ?? null;
  }

  names(): string[] {
    return [...this.byName.keys()].sort();
  }
}
