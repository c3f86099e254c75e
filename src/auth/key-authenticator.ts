import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Clock } from '../platform/clock/index.js';
import { keyLookupsExhausted, missingApiKey, refusedApiKey, unknownApiKey } from './auth.errors.js';
import type { AuthenticatedKey } from './domain/identity.js';
import { problemOf } from './domain/key-verdict.js';
import { API_KEY_PREFIX, isWellFormedToken } from './domain/token-format.js';
import { KeyLastUse } from './key-last-use.js';
import { KeySnapshot, type KnownSecret } from './key-snapshot.js';
import { KeySnapshotReader } from './persistence/key-snapshot.reader.js';
import { SecretHasher } from './secret-hasher.js';

/** Look-ups of unknown secrets in the database at one time; more are turned away, they are mostly guesses. */
const LOOKUPS_MAX = 32;
const UNKNOWN_REMEMBERED_MAX = 10_000;
/** The snapshot is asked first, so a key that is made meanwhile is not held back by this. */
const UNKNOWN_REMEMBERED_MS = 5_000;

/** Decides whether a presented secret opens the door: a look-up in memory, and for unknown ones a bounded one in the database. */
@Injectable()
export class KeyAuthenticator {
  private readonly unknown = new LRUCache<string, true>({ max: UNKNOWN_REMEMBERED_MAX, ttl: UNKNOWN_REMEMBERED_MS });
  private readonly lookups = new Map<string, Promise<KnownSecret | null>>();

  constructor(
    private readonly snapshot: KeySnapshot,
    private readonly reader: KeySnapshotReader,
    private readonly hasher: SecretHasher,
    private readonly clock: Clock,
    private readonly lastUse: KeyLastUse,
  ) {}

  /** @throws AppError `missing_api_key`, `invalid_api_key`, or `unavailable` when an unknown key cannot be looked up. */
  async authenticate(presented: string | null): Promise<AuthenticatedKey> {
    if (presented === null || presented === '') throw missingApiKey();
    if (!isWellFormedToken(presented, API_KEY_PREFIX)) throw unknownApiKey();
    const known = this.findInMemory(presented) ?? (await this.lookUp(presented));
    if (known === null) throw unknownApiKey();
    const nowMs = this.clock.nowMs();
    const problem = problemOf(known.entry, known.secretExpiresAtMs, nowMs);
    if (problem !== null) throw refusedApiKey(problem, known.entry, nowMs);
    this.lastUse.note(known.entry.key.id, nowMs);
    return known.entry.key;
  }

  private findInMemory(presented: string): KnownSecret | null {
    for (const hash of this.hasher.candidates('api_key', presented)) {
      const known = this.snapshot.find(hash);
      if (known !== null) return known;
    }
    return null;
  }

  /** A key that another process made a moment ago is not in the snapshot yet. Equal look-ups share one query. */
  private async lookUp(presented: string): Promise<KnownSecret | null> {
    const hashes = [...this.hasher.candidates('api_key', presented)];
    const id = hashes.join();
    if (this.unknown.has(id)) return null;
    const running = this.lookups.get(id);
    if (running !== undefined) return running;
    if (this.lookups.size >= LOOKUPS_MAX) throw keyLookupsExhausted();
    const lookup = this.readAndRemember(hashes, id).finally(() => this.lookups.delete(id));
    this.lookups.set(id, lookup);
    return lookup;
  }

  private async readAndRemember(hashes: readonly string[], id: string): Promise<KnownSecret | null> {
    const keyId = await this.reader.idByHash(hashes);
    if (keyId !== null) {
      await this.snapshot.reload([keyId]);
      for (const hash of hashes) {
        const known = this.snapshot.find(hash);
        if (known !== null) return known;
      }
    }
    this.unknown.set(id, true);
    return null;
  }
}
