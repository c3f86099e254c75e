/** What a start has made that nobody can look up afterwards. */
export interface BannerFacts {
  /** `http://host:port`. */
  url: string;
  version: string;
  startedInMs: number;
  /** Folder of the embedded database; `null` with DATABASE_URL. */
  dataDir: string | null;
  /** Plain text of the key that was made now; `null` when there was one before. */
  apiKey: string | null;
  /** Plain text of the admin token that was made now; `null` when there was one before or ADMIN_TOKEN is set. */
  adminToken: string | null;
  /** ADMIN_TOKEN is set. */
  adminTokenConfigured: boolean;
  /** The account that the demo's keys belong to; `null` when nothing was ever seeded. */
  demoAccountId: string | null;
}

/** The text on the screen after a start: where, with what, and a command to paste. */
export function banner(facts: BannerFacts): string {
  const rows = [
    ['base URL', `${facts.url}/openai/v1`],
    ...(facts.apiKey === null ? [] : [['API key', `${facts.apiKey}   (shown only now)`]]),
    ['admin token', adminTokenText(facts)],
    ['API document', `${facts.url}/docs`],
    ...(facts.dataDir === null ? [] : [['data', facts.dataDir]]),
  ];
  const table = rows.map(([name, value]) => `  ${`${name}`.padEnd(14)}${value}`);
  const head = `joytoken-gateway ${facts.version} is ready after ${(facts.startedInMs / 1000).toFixed(1)} s`;
  return ['', head, '', ...table, '', ...advice(facts), '', 'Ctrl-C stops it.', '', ''].join('\n');
}

function adminTokenText(facts: BannerFacts): string {
  if (facts.adminToken !== null) return `${facts.adminToken}   (shown only now)`;
  if (facts.adminTokenConfigured) return 'as set in ADMIN_TOKEN';
  return 'as shown at the first start (lost? start once with ADMIN_TOKEN=<16 characters or more>)';
}

function advice(facts: BannerFacts): string[] {
  if (facts.apiKey !== null) return ['Try it:', '', ...chatCommand(facts.url, facts.apiKey)];
  if (facts.demoAccountId === null)
    return ['No demo data here: create an account, a key and a provider as the README shows.'];
  return ['Keys are shown only when they are made. A new one:', '', ...keyCommand(facts)];
}

function chatCommand(url: string, apiKey: string): string[] {
  const body = { model: 'auto', stream: true, messages: [{ role: 'user', content: 'Say hello in one sentence.' }] };
  return [
    `curl -N ${url}/openai/v1/chat/completions \\`,
    `  -H 'Authorization: Bearer ${apiKey}' \\`,
    `  -H 'Content-Type: application/json' \\`,
    `  -d '${JSON.stringify(body)}'`,
  ];
}

function keyCommand(facts: BannerFacts): string[] {
  const token = facts.adminToken ?? (facts.adminTokenConfigured ? '$ADMIN_TOKEN' : '<admin token>');
  return [
    `curl -X POST ${facts.url}/admin/v1/api-keys \\`,
    `  -H "Authorization: Bearer ${token}" \\`,
    `  -H 'Content-Type: application/json' \\`,
    `  -d '${JSON.stringify({ name: 'another key', owner_account_id: facts.demoAccountId })}'`,
  ];
}
