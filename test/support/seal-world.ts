import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { Client } from 'pg';
import { MoneyWorld } from './money-world.js';

export const ENCRYPTION_SECRETS = `1:${Buffer.alloc(32, 5).toString('base64')}`;

const DROP_CHECKS = `do $$ declare c record; begin
  for c in select conname from pg_constraint where conrelid = 'ledger_entry'::regclass and contype = 'c' loop
    execute format('alter table ledger_entry drop constraint %I', c.conname);
  end loop;
end $$`;

/** Wallets whose ledger is sealed into a checkpoint file, and somebody who may do anything in the database. */
export class SealWorld {
  private constructor(
    readonly money: MoneyWorld,
    readonly file: string,
    private readonly folder: string,
  ) {}

  static async open(): Promise<SealWorld> {
    const folder = await mkdtemp(join(tmpdir(), 'joytoken-seal-'));
    const file = join(folder, 'checkpoints.jsonl');
    const settings = { LEDGER_CHECKPOINT_FILE: file, ENCRYPTION_SECRETS };
    return new SealWorld(await MoneyWorld.start({ settings }), file, folder);
  }

  async close(): Promise<void> {
    await this.money.stop();
    await rm(this.folder, { recursive: true });
  }

  /** Another process with the same secrets on the same database; the caller stops it. */
  another(settings: Record<string, string> = { LEDGER_CHECKPOINT_FILE: this.file }): Promise<MoneyWorld> {
    return MoneyWorld.start({ database: this.money.database, settings: { ENCRYPTION_SECRETS, ...settings } });
  }

  /** Another process whose workers run. */
  worker(): Promise<MoneyWorld> {
    const settings = { ENCRYPTION_SECRETS, LEDGER_CHECKPOINT_FILE: this.file };
    return MoneyWorld.start({ database: this.money.database, workers: true, settings });
  }

  /** Another process that does not know the secrets. */
  forger(): Promise<MoneyWorld> {
    return MoneyWorld.start({ database: this.money.database });
  }

  /** Runs SQL that neither triggers nor foreign keys nor the checks of the ledger hold up. */
  async asIntruder(sql: string, values: unknown[] = []): Promise<void> {
    const client = new Client({ connectionString: this.money.database.url });
    await client.connect();
    try {
      await client.query('set session_replication_role = replica');
      await client.query(DROP_CHECKS);
      await client.query(sql, values);
    } finally {
      await client.end();
    }
  }

  /** Four settled requests in the standard tier: eight rows. */
  async history(accountId: string): Promise<void> {
    for (let at = 0; at < 4; at++) {
      const request = this.money.freezeRequest(accountId, 50n);
      await this.money.wallets.freeze(request);
      await this.money.wallets.capture(accountId, request.id, this.money.outcome(5 + at));
    }
    await this.money.settlement.settlePending();
  }

  /** An account whose rows 1–9 and 10–17 of the standard tier are sealed by two checkpoints; other tiers have one row. */
  async sealedHistory(): Promise<string> {
    const accountId = await this.money.account(10_000n);
    for (let at = 0; at < 2; at++) {
      await this.history(accountId);
      await this.money.seals.sealPending();
    }
    return accountId;
  }

  async published(): Promise<Record<string, unknown>[]> {
    const lines = (await readFile(this.file, 'utf8')).split('\n').filter((line) => line !== '');
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** What the verification says of an account: kind of the break, tier and sequence. */
  async breakOf(accountId: string): Promise<[string, string | null, bigint | null]> {
    const { ok, broken } = await this.money.seals.verify();
    const found = broken.find((one) => one.accountId === accountId);
    if (ok || found === undefined) throw new Error(`nothing is said of it in ${broken.length.toString()} breaks`);
    return [found.fault, found.tier, found.seq];
  }

  /** Kinds of all breaks with the checkpoints that they name. */
  async breaks(files?: readonly string[]): Promise<[string, bigint | null][]> {
    const { broken } = await this.money.seals.verify(files === undefined ? {} : { files });
    return broken.map(({ fault, checkpoint }) => [fault, checkpoint]);
  }
}

/** Where an operator collects checkpoints. */
export class WebhookReceiver {
  /** What it answers from now on. */
  status = 200;
  readonly numbers: number[] = [];

  private constructor(private readonly server: Server) {
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      void json(request).then((body) => {
        const { checkpoints } = body as { checkpoints: { number: number }[] };
        if (this.status === 200) this.numbers.push(...checkpoints.map(({ number }) => number));
        response.writeHead(this.status).end();
      });
    });
  }

  static async start(): Promise<WebhookReceiver> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new WebhookReceiver(server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port.toString()}/checkpoints`;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}
