/** What stands under each heading of the document. */
const TAG_TEXTS: Readonly<Record<string, string>> = {
  'Model calls': 'OpenAI Chat Completions, routed, priced and charged.',
  'Own account': 'What the holder of an API key may know of its own usage, balance and requests.',
  'Admin tokens': 'Who may administer.',
  Accounts: 'Persons and organizations, who own keys and pay.',
  Wallets: 'Balances by tier, credits in and out, and the ledger.',
  'API keys': 'Credentials of callers, with limits, policy and rotation.',
  Policies: 'Tiers, addresses and models that keys and accounts are held to.',
  Providers: 'Vendor accounts, their secrets and their statements.',
  Models: 'The model pool: models, prices and endpoints.',
  Tiers: 'What a credit of each tier is worth.',
  Freezes: 'Credits reserved for running requests.',
  Usage: 'What requests have used and what they cost.',
  Statements: 'What moved the wallets of an account in a month.',
  Ledger: 'Proof that the books are right.',
  Queues: 'Background jobs.',
  Events: 'What operators should hear of: low balances, ended keys, open breakers, drift, failed settlements.',
  Webhooks: 'Where events are sent, signed as Standard Webhooks.',
  'Audit log': 'Who did what.',
  Requests: 'Why a request ended as it did.',
  Document: 'This document.',
  Health: 'Probes.',
  Catalogue: 'Models and prices for pickers and marketplaces.',
};

/** The text of a heading; its name where nothing else is said. */
export function tagText(name: string): string {
  return TAG_TEXTS[name] ?? `${name}.`;
}
