import { Injectable } from '@nestjs/common';
import { ChangeFeed } from '../platform/changes/index.js';
import type { KeyEntry } from './domain/key-verdict.js';
import { KeySnapshotReader, type LoadedKey } from './persistence/key-snapshot.reader.js';

/** Keys in one query, when an account with very many of them changes. */
const RELOADED_AT_ONCE = 2_000;

/** What a presented secret leads to. */
export interface KnownSecret {
  entry: KeyEntry;
  /** End of the grace time of a rotated secret; `null` for the current one. */
  secretExpiresAtMs: number | null;
}

interface HeldKey {
  entry: KeyEntry;
  hashes: readonly string[];
}

interface HeldSecret {
  keyId: string;
  expiresAtMs: number | null;
}

/** All keys of one moment; a full reload builds a new one beside the old. */
class KeyTables {
  private readonly secrets = new Map<string, HeldSecret>();
  private readonly keys = new Map<string, HeldKey>();

  find(hash: string): KnownSecret | null {
    const secret = this.secrets.get(hash);
    const held = secret === undefined ? undefined : this.keys.get(secret.keyId);
    if (secret === undefined || held === undefined) return null;
    return { entry: held.entry, secretExpiresAtMs: secret.expiresAtMs };
  }

  put(loaded: LoadedKey): void {
    const { secrets, ...entry } = loaded;
    const { id } = entry.key;
    this.remove(id);
    this.keys.set(id, { entry, hashes: secrets.map(({ hash }) => hash) });
    for (const { hash, expiresAtMs } of secrets) this.secrets.set(hash, { keyId: id, expiresAtMs });
  }

  remove(id: string): void {
    for (const hash of this.keys.get(id)?.hashes ?? []) this.secrets.delete(hash);
    this.keys.delete(id);
  }
}

/**
 * Every key by the full hash of its secrets, in memory. Reads from the database are applied one after the other, so an
 * older read can never overwrite a newer one: a key that was disabled stays disabled.
 */
@Injectable()
export class KeySnapshot {
  private tables = new KeyTables();
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly reader: KeySnapshotReader,
    changes: ChangeFeed,
  ) {
    changes.register('api_key', { reloadAll: () => this.reloadAll(), reload: (ids) => this.reload(ids) });
    changes.register('account', {
      // The full load of keys has read their accounts.
      reloadAll: () => Promise.resolve(),
      reload: (ids) => this.reloadAccounts(ids),
    });
  }

  /** @param hash base64 of the keyed hash of a presented secret. */
  find(hash: string): KnownSecret | null {
    return this.tables.find(hash);
  }

  /** Reads these keys again; those that no longer exist are forgotten. */
  async reload(ids: readonly string[]): Promise<void> {
    return this.oneAtATime(async () => {
      for (let start = 0; start < ids.length; start += RELOADED_AT_ONCE) {
        const some = ids.slice(start, start + RELOADED_AT_ONCE);
        const loaded = await this.reader.byIds(some);
        for (const id of some) this.tables.remove(id);
        for (const key of loaded) this.tables.put(key);
      }
    });
  }

  private async reloadAll(): Promise<void> {
    return this.oneAtATime(async () => {
      const tables = new KeyTables();
      for await (const page of this.reader.all()) {
        for (const key of page) tables.put(key);
      }
      this.tables = tables;
    });
  }

  private async reloadAccounts(accountIds: readonly string[]): Promise<void> {
    const ids = await this.reader.idsOfAccounts(accountIds);
    if (ids.length > 0) await this.reload(ids);
  }

  private async oneAtATime(work: () => Promise<void>): Promise<void> {
    const run = this.running.then(work);
    this.running = run.catch(() => undefined);
    return run;
  }
}
