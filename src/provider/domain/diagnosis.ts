import type { BlamedSubject } from './blame.js';
import { NO_MODEL_LIST, type UpstreamFailure } from './failure.js';

/** How far a test call came: the first thing that is wrong, or `ok`. */
export type Diagnosis =
  | 'ok'
  | 'settings'
  | 'address'
  | 'dns'
  | 'connect'
  | 'tls'
  | 'timeout'
  | 'auth'
  | 'credit'
  | 'rate_limit'
  | 'path'
  | 'unproven'
  | 'model'
  | 'request'
  | 'server'
  | 'answer';

const BY_REASON: Readonly<Record<string, Diagnosis>> = {
  adapter_unknown: 'settings',
  secret_unreadable: 'settings',
  address_refused: 'address',
  dns_failed: 'dns',
  connect_refused: 'connect',
  connect_unreachable: 'connect',
  connect_failed: 'connect',
  reset: 'connect',
  tls_failed: 'tls',
  timeout_connect: 'connect',
  [NO_MODEL_LIST]: 'unproven',
};

const BY_STATUS: Readonly<Record<number, Diagnosis>> = { 401: 'auth', 403: 'auth', 402: 'credit', 429: 'rate_limit' };

/** What a refusal speaks of says more than its status. */
const BY_SUBJECT: Readonly<Record<BlamedSubject, Diagnosis>> = {
  money: 'credit',
  limit: 'rate_limit',
  key: 'auth',
  account: 'auth',
  model: 'model',
};

/** What each means, and what to look at. */
export const DIAGNOSES: Readonly<Record<Diagnosis, string>> = {
  ok: 'The provider answers and takes the key.',
  unproven:
    'Something answers, but with no list of models, so neither base_url nor key is proven; test it with a model. What was seen is in detail.',
  settings:
    'The call could not be made: the adapter is unknown, or the stored key cannot be opened; send api_key again.',
  address: 'The name resolves to an address that providers may not have; see ALLOW_PRIVATE_UPSTREAMS.',
  dns: 'The name of the host cannot be resolved; check base_url.',
  connect: 'No connection: nobody listens there, or a firewall is between; check host and port of base_url.',
  tls: 'No secure connection: the certificate is not valid for this host, or no TLS is spoken there.',
  timeout: 'Connected, but no answer in time.',
  auth: 'The provider refuses the key; check api_key and what the key may do.',
  credit: 'The provider wants to be paid first.',
  rate_limit: 'The provider answers, but the account is at its limit, or has no quota.',
  path: 'The host answers, but not at this path; check the path of base_url.',
  model: 'The provider answers, but does not know this model, or the key may not use it.',
  request: 'The provider refuses the test request; its words are in detail.',
  server: 'The provider answers with a fault of its own.',
  answer: 'Something answers, but not what a provider of this adapter would say; check base_url and adapter.',
};

/** @param withModel a model was called, not only the provider. */
export function diagnosisOf(failure: UpstreamFailure, withModel: boolean): Diagnosis {
  const { reason, status, callerFault, subject } = failure;
  const spoken = subject === null ? undefined : BY_SUBJECT[subject];
  const known = BY_REASON[reason] ?? spoken ?? (status === null ? undefined : BY_STATUS[status]);
  if (known !== undefined) return known;
  if (failure.failure === 'timeout') return 'timeout';
  if (status === 404) return withModel ? 'model' : 'path';
  if (callerFault !== null) return 'request';
  if (status !== null && status >= 500) return 'server';
  return 'answer';
}
