import { diagnosisOf } from './diagnosis.js';
import { UpstreamFailure, type UpstreamFailureOptions } from './failure.js';

const failure = (kind: UpstreamFailure['failure'], reason: string, options: UpstreamFailureOptions = {}) =>
  new UpstreamFailure(kind, reason, options);
const refusal = (status: number, message: string, code: string | null = null) =>
  failure('caller_fault', `http_${String(status)}`, { status, callerFault: { message, code, param: null } });

it.each([
  ['dns', failure('endpoint_fault', 'dns_failed'), false],
  ['connect', failure('endpoint_fault', 'connect_refused'), false],
  ['connect', failure('timeout', 'timeout_connect'), false],
  ['tls', failure('endpoint_fault', 'tls_failed'), false],
  ['timeout', failure('timeout', 'timeout_headers'), false],
  ['address', failure('operator_fault', 'address_refused'), false],
  ['auth', failure('operator_fault', 'http_401', { status: 401 }), false],
  ['auth', failure('operator_fault', 'http_403', { status: 403 }), true],
  ['unproven', failure('operator_fault', 'no_model_list', { status: 404 }), false],
  ['path', failure('operator_fault', 'http_404', { status: 404 }), false],
  ['model', failure('operator_fault', 'http_404', { status: 404 }), true],
  ['model', failure('operator_fault', 'http_400', { status: 400, subject: 'model' }), true],
  ['auth', failure('operator_fault', 'http_400', { status: 400, subject: 'key' }), true],
  ['auth', failure('operator_fault', 'http_400', { status: 400, subject: 'account' }), true],
  ['credit', failure('operator_fault', 'http_429', { status: 429, subject: 'money' }), true],
  ['rate_limit', failure('rate_limited', 'http_413', { status: 413, subject: 'limit' }), true],
  ['request', refusal(400, 'temperature is too high'), true],
  ['rate_limit', failure('rate_limited', 'http_429', { status: 429 }), true],
  ['credit', failure('operator_fault', 'http_402', { status: 402 }), true],
  ['server', failure('endpoint_fault', 'http_503', { status: 503 }), false],
  ['answer', failure('endpoint_fault', 'broken_json', { status: 200 }), true],
])('%s', (expected, given, withModel) => {
  expect(diagnosisOf(given, withModel)).toBe(expected);
});
