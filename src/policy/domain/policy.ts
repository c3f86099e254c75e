import type { AuthenticatedKey } from '../../auth/index.js';
import type { Tier } from '../../wallet/index.js';

export interface Policy {
  id: string;
  name: string;
  allowedTiers: readonly Tier[];
  ipAllowlist: readonly string[];
  ipBlocklist: readonly string[];
  modelBlacklist: readonly string[];
  routing: RoutingPreferences;
}

/** What an operator may weigh in the choice of `auto`; what each means is in the README of the router. */
export const ROUTING_FACTORS = ['quality', 'price', 'latency', 'health', 'stickiness', 'tags', 'balance'] as const;

export interface RoutingPreferences {
  /** From 0 to 10, instead of the usual ones. */
  weights: Partial<Record<(typeof ROUTING_FACTORS)[number], number>>;
  /** SKU or scenario tags of models to prefer. */
  tags: readonly string[];
}

/** A policy as administration shows it. */
export interface PolicyRecord extends Policy {
  createdAt: Date;
  updatedAt: Date;
}

/** Header fields as Node hands them out, names in lower case. */
export type HeaderFields = Readonly<Record<string, string | readonly string[] | undefined>>;

/** What of a request tells where it comes from. */
export interface Arrival {
  socket: { remoteAddress?: string | undefined };
  headers: HeaderFields;
}

/** The caller's address and how it was found. */
export interface ClientIp {
  /** Canonical; or the text that could not be read, at most 64 characters, which no list holds. */
  address: string;
  source: 'socket' | 'x-forwarded-for' | 'x-real-ip';
  /** A header that names another address and was not believed, because its sender is no trusted proxy. */
  ignoredHeader?: 'x-forwarded-for' | 'x-real-ip';
}

export interface PolicyRequest {
  key: AuthenticatedKey;
  clientIp: ClientIp;
  /** `tier` of the body as sent. */
  requestedTier: string | null;
  /** `model` of the body as sent; `null` when absent. */
  requestedModel: string | null;
  /** Looks a concrete model up by key or id, for the blacklist and the tier rule. */
  findModel: (nameOrId: string) => { id: string; modelKey: string; tier: Tier } | null;
}

export interface PolicyDecision {
  /** `auto` or a concrete name: the fixed model, the request's, the configured default, or `auto`. */
  model: string;
  /** A concrete model never falls back to another tier. */
  concrete: boolean;
  /** policy ∩ key ∩ request, in the order of TIERS. Never empty. */
  allowedTiers: readonly Tier[];
  isBlacklisted: (model: { id: string; modelKey: string }) => boolean;
  routing: RoutingPreferences;
  /** For the explanation: address, matched rule, the three tier sets, fixed model. */
  facts: Record<string, unknown>;
}
