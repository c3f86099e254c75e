import { isIP } from 'node:net';
import { z } from 'zod';

/** `true`/`false`, also `1`/`0`, `yes`/`no`. */
const flag = z.stringbool({ truthy: ['true', '1', 'yes', 'on'], falsy: ['false', '0', 'no', 'off'] });
/** Digits only: `Number` would also take blanks, `0x10` and `1e3`. */
const integer = (min: number, max: number) => {
  const error = `must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,12}$/, { error })
    .transform(Number)
    .refine((value) => value >= min && value <= max, { error });
};
const token = z.string().regex(/^[\x21-\x7e]{16,}$/, { error: 'must have at least 16 visible ASCII characters' });
const list = z
  .string()
  .transform((text) => text.split(',').map((item) => item.trim()))
  .transform((items) => items.filter((item) => item !== ''));

/** One address, or one CIDR range. */
function isAddressOrRange(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  const bitsMax = isIP(address) === 4 ? 32 : 128;
  const hasGoodPrefix = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bitsMax);
  return isIP(address) !== 0 && rest.length === 0 && hasGoodPrefix;
}

const SECRET_SIZE_MIN_BYTES = 32;

/** `1:<base64>,2:<base64>`: numbered 32-byte secrets; the highest number signs, all verify. */
const versionedSecrets = z
  .string()
  .regex(/^\d{1,9}:[A-Za-z0-9+/_=-]+(,\d{1,9}:[A-Za-z0-9+/_=-]+)*$/, {
    error: 'must be numbered secrets in base64, e.g. 1:<base64>,2:<base64>',
  })
  .refine((text) => text.split(',').every((item) => secretSizeBytes(item) >= SECRET_SIZE_MIN_BYTES), {
    error: `each secret must have at least ${SECRET_SIZE_MIN_BYTES} bytes`,
  })
  .refine((text) => new Set(text.split(',').map((item) => Number.parseInt(item, 10))).size === text.split(',').length, {
    error: 'two secrets have the same number',
  });

function secretSizeBytes(numbered: string): number {
  return Buffer.from(numbered.slice(numbered.indexOf(':') + 1), 'base64').length;
}

/**
 * Every setting of the gateway, read once at start. The text of `.describe()` is the documentation:
 * docs/configuration.md and .env.example are held equal to this schema by a test.
 */
export const configSchema = z.object({
  HOST: z.string().min(1).default('127.0.0.1').describe('Address to listen on.'),
  PORT: integer(0, 65_535).default(8080).describe('Port to listen on; 0 takes a free one.'),
  DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/, error: 'must be a URL: postgres://user:password@host:port/database' })
    .optional()
    .describe('Existing Postgres 15–18. Without it an embedded Postgres keeps its data in DATA_DIR.'),
  DATABASE_POOL_MAX: integer(2, 200).default(10).describe('Most connections in the general pool of one process.'),
  DATA_DIR: z.string().min(1).default('.data').describe('Folder of the embedded Postgres and of generated secrets.'),
  REDIS_URL: z
    .url({ protocol: /^rediss?$/, error: 'must be a URL: redis://host:port' })
    .optional()
    .describe('Moves the queues from Postgres to this Redis.'),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('Least severe level that is logged.'),
  ADMIN_TOKEN: token.optional().describe('Bootstrap admin token; generated and printed once when absent.'),
  VIEWER_TOKEN: token.optional().describe('Token that may read /metrics and the details of /health.'),
  AUTH_FAILURES_PER_MINUTE: integer(0, 1_000_000)
    .default(300)
    .describe(
      'Refused keys and tokens of one client address in a minute that are answered at once; 0 never slows any.',
    ),
  HASH_SECRETS: versionedSecrets
    .optional()
    .describe('Numbered secrets that hash API keys and tokens; required with DATABASE_URL.'),
  ENCRYPTION_SECRETS: versionedSecrets
    .optional()
    .describe('Numbered secrets that encrypt provider keys and webhook secrets at rest; required with DATABASE_URL.'),
  SIGNING_SECRETS: versionedSecrets
    .optional()
    .describe(
      'Numbered secrets that sign receipts and ledger checkpoints; derived from ENCRYPTION_SECRETS when absent.',
    ),
  LEDGER_CHECKPOINT_FILE: z
    .string()
    .min(1)
    .optional()
    .describe('File that gets every ledger checkpoint; embedded, ledger-checkpoints.jsonl in DATA_DIR when absent.'),
  LEDGER_CHECKPOINT_WEBHOOK_URL: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    .optional()
    .describe('URL that every ledger checkpoint is posted to; checked like those of webhooks.'),
  SEED: z
    .enum(['demo', 'none'])
    .optional()
    .describe('`demo` seeds the demo data into DATABASE_URL once; `none` leaves an embedded database empty.'),
  GATEWAY_CONFIG: z
    .string()
    .min(1)
    .optional()
    .describe('Pool file that is applied at every start, as by `npm run pool:apply`; `--config` of the start wins.'),
  TRUSTED_PROXIES: list
    .refine((items) => items.every(isAddressOrRange), { error: 'must be IP addresses and CIDR ranges' })
    .default([])
    .describe('Addresses and CIDR ranges of proxies whose X-Forwarded-For is believed, comma-separated.'),
  DEFAULT_MODEL: z.string().optional().describe('model_key used when a request names no model; absent means `auto`.'),
  DEFAULT_MAX_OUTPUT_TOKENS: integer(1, 1_000_000)
    .default(1024)
    .describe('Output tokens assumed for a freeze when the request sets no maximum.'),
  DEFAULT_FREEZE_CREDITS: z
    .string()
    .regex(/^\d{1,12}(\.\d{1,6})?$/, { error: 'must be a decimal number with at most six places' })
    .default('1')
    .describe('Credits frozen when nothing can be estimated.'),
  ROUTER_CONTROL_SHARE: z
    .string()
    .regex(/^(0|1|0?\.\d{1,6}|1\.0{1,6})$/, { error: 'must be a number from 0 to 1' })
    .transform(Number)
    .default(0)
    .describe('Share of the sessions of `auto` that are routed by lot at the same spend, to compare with.'),
  STREAM_RESCUE: z
    .enum(['same_model', 'any', 'off'])
    .default('same_model')
    .describe('Who may continue a stream that broke after its first token.'),
  INCOMPLETE_STREAM_BILLING: z
    .enum(['estimate', 'release'])
    .default('estimate')
    .describe('What becomes of a call whose provider reported no usage.'),
  CAPTURE_RETRY_MS: integer(100, 600_000)
    .default(2_000)
    .describe('How long the outcome of a call is tried to be made durable before the call fails and costs nothing.'),
  STREAM_KEEPALIVE_MS: integer(100, 600_000)
    .default(15_000)
    .describe('Silence after which a stream carries an SSE comment.'),
  ALLOW_PRIVATE_UPSTREAMS: flag
    .default(false)
    .describe(
      'Allows providers and webhooks on loopback and private addresses; links and metadata services stay refused.',
    ),
  OPENAI_API_KEY: z
    .string()
    .min(1)
    .optional()
    .describe('Registers OpenAI and its models as a provider at every start.'),
  OPENAI_BASE_URL: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    .default('https://api.openai.com/v1')
    .describe('Base URL used with OPENAI_API_KEY.'),
  ANTHROPIC_API_KEY: z
    .string()
    .min(1)
    .optional()
    .describe('Registers Anthropic and its models as a provider at every start.'),
  ANTHROPIC_BASE_URL: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    .default('https://api.anthropic.com/v1')
    .describe('Base URL used with ANTHROPIC_API_KEY.'),
  GEMINI_API_KEY: z
    .string()
    .min(1)
    .optional()
    .describe('Registers Gemini and its models as a provider at every start.'),
  GEMINI_BASE_URL: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    .default('https://generativelanguage.googleapis.com/v1beta')
    .describe('Base URL used with GEMINI_API_KEY.'),
  UPSTREAM_CONNECT_TIMEOUT_MS: integer(10, 600_000)
    .default(5_000)
    .describe('Longest wait for a connection to an upstream.'),
  UPSTREAM_HEADERS_TIMEOUT_MS: integer(10, 3_600_000)
    .default(60_000)
    .describe('Longest wait for an upstream to answer with headers.'),
  UPSTREAM_FIRST_EVENT_TIMEOUT_MS: integer(10, 3_600_000)
    .default(10_000)
    .describe('Longest wait from the headers of a stream to any event of it: a role, a comment, a ping.'),
  UPSTREAM_FIRST_TOKEN_TIMEOUT_MS: integer(10, 3_600_000)
    .default(60_000)
    .describe('Longest wait from the start of an attempt to the first content of a stream.'),
  UPSTREAM_IDLE_TIMEOUT_MS: integer(10, 3_600_000)
    .default(30_000)
    .describe('Longest silence between two pieces of an answer.'),
  UPSTREAM_TOTAL_TIMEOUT_MS: integer(10, 7_200_000)
    .default(600_000)
    .describe('Longest duration of one provider call, failover included.'),
  UPSTREAM_ATTEMPTS_MAX: integer(1, 20).default(4).describe('Most attempts over all endpoints of one request.'),
  UPSTREAM_RETRY_AFTER_MAX_WAIT_MS: integer(0, 600_000)
    .default(2_000)
    .describe(
      'Longest `Retry-After` of a 429 that is waited for before the same endpoint is asked once more; 0 never.',
    ),
  UPSTREAM_BREAKER_FAULTS_MAX: integer(1, 1_000)
    .default(5)
    .describe('Faults in a row after which an endpoint is left alone.'),
  UPSTREAM_BREAKER_OPEN_MS: integer(10, 3_600_000)
    .default(10_000)
    .describe('How long a failing endpoint is left alone before one call may probe it.'),
  UPSTREAM_PROBE_INTERVAL_MS: integer(0, 86_400_000)
    .default(0)
    .describe('How often each provider is asked something that costs nothing, to see whether it answers; 0 never.'),
  SHUTDOWN_TIMEOUT_MS: integer(0, 600_000).default(30_000).describe('How long a shutdown waits for running requests.'),
  WORKERS_ENABLED: flag.default(true).describe('Runs the settlement workers inside the HTTP process.'),
  RECONCILE_INTERVAL_MS: integer(0, 2_678_400_000)
    .default(86_400_000)
    .describe('How often a worker compares the books with their rows; 0 never.'),
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Base URL of an OpenTelemetry collector (OTLP over HTTP); without it nothing is traced.'),
  OTEL_SERVICE_NAME: z
    .string()
    .min(1)
    .max(200)
    .default('joytoken-gateway')
    .describe('The name of the service in traces.'),
  METRICS_PORT: integer(0, 65_535)
    .optional()
    .describe(
      'Port of its own for /metrics, open to whoever reaches it; the main port then has none. 0 takes a free one.',
    ),
  METRICS_HOST: z.string().min(1).default('127.0.0.1').describe('Address that METRICS_PORT listens on.'),
  EVENT_RETENTION_DAYS: integer(2, 3_650).default(90).describe('How long events and their deliveries are kept.'),
  TRACE_RETENTION_DAYS: integer(1, 3_650).default(30).describe('How long explanations of requests are kept.'),
  TRACE_REFUSED_PER_MINUTE: integer(0, 1_000_000)
    .default(600)
    .describe('Refused requests of one key that a process keeps an explanation of, a minute.'),
  TRACE_UNAUTHENTICATED_PER_MINUTE: integer(0, 1_000_000)
    .default(60)
    .describe('Requests without a valid key that a process keeps an explanation of, a minute.'),
});

export type Config = z.output<typeof configSchema>;
