import { Client, types, type ClientConfig, type Notification } from 'pg';
import { databaseUnavailable, outageOf } from './outage.js';
import { prepareSession } from './session.js';

const CONNECT_TIMEOUT_MS = 2_000;
/** Longest run of a statement, unless its connection says less. */
export const STATEMENT_TIMEOUT_MS = 10_000;
const WAITING_MAX = 10_000;
const INT8_OID = 20;

type ParserOf = (oid: number, format?: 'text' | 'binary') => (value: string) => unknown;

/** Reads `bigint` columns as `bigint`, on this connection only: other users of the driver keep its default. */
const typesWithBigint: NonNullable<ClientConfig['types']> = {
  getTypeParser: (oid: number, format?: 'text' | 'binary'): ((value: string) => unknown) =>
    oid === INT8_OID && format !== 'binary' ? BigInt : (types.getTypeParser as ParserOf)(oid, format),
};

/**
 * One dedicated connection for statements on the hot path. Statements are prepared once under their name and run
 * one after the other. A lost connection is opened again by the next call; nothing is retried here, because only the
 * caller knows whether its statement may run twice.
 */
export class HotConnection {
  private client: Promise<Client> | null = null;
  private closed = false;
  /** Ends when the statement before has been answered: the driver takes one at a time. */
  private turn: Promise<void> = Promise.resolve();
  private waiting = 0;
  private onNotification: ((message: Notification) => void) | null = null;
  private channel: string | null = null;

  constructor(
    private readonly url: string,
    private readonly label: string,
    private readonly statementTimeoutMs = STATEMENT_TIMEOUT_MS,
  ) {}

  /**
   * Runs a prepared statement.
   * @throws AppError `unavailable` when the database cannot be reached or the connection breaks; the driver's own error
   * (with `code`, the SQLSTATE) when the statement itself fails.
   */
  async query<Row extends object>(name: string, text: string, values: readonly unknown[] = []): Promise<Row[]> {
    if (this.waiting >= WAITING_MAX) throw databaseUnavailable(`${this.label}: ${WAITING_MAX} statements wait`);
    const client = await this.connected();
    this.waiting += 1;
    const answer = this.turn.then(() => client.query<Row>({ name, text, values: [...values] }));
    this.turn = answer.then(noResult, noResult);
    try {
      return (await answer).rows;
    } catch (error) {
      const failure = asUnavailable(error, this.label);
      // No answer at all: what follows would wait behind it, so the next call gets a connection of its own.
      if (isSilence(error)) this.drop(client);
      throw failure;
    } finally {
      this.waiting -= 1;
    }
  }

  /** Listens on a channel, again after every reconnect. One listener a connection. */
  async listen(channel: string, handler: (message: Notification) => void): Promise<void> {
    this.channel = channel;
    this.onNotification = handler;
    const client = await this.connected();
    await client.query(`listen ${client.escapeIdentifier(channel)}`);
  }

  /** Waits for the statements that were sent or queued, and closes; the driver would cut off one that runs. */
  async close(): Promise<void> {
    this.closed = true;
    await this.turn;
    const client = await this.client?.catch(() => null);
    this.client = null;
    await client?.end().catch(() => undefined);
  }

  private async connected(): Promise<Client> {
    if (this.closed) throw databaseUnavailable(`${this.label}: closed`);
    if (this.client === null) {
      const opening = this.open(() => {
        if (this.client === opening) this.client = null;
      });
      this.client = opening;
    }
    return this.client;
  }

  private drop(client: Client): void {
    this.client = null;
    this.turn = Promise.resolve();
    client.end().catch(() => undefined);
  }

  /** @param forget called when this connection, and not a later one, has ended. */
  private async open(forget: () => void): Promise<Client> {
    const client = new Client({
      connectionString: this.url,
      application_name: `joytoken-gateway ${this.label}`,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      statement_timeout: this.statementTimeoutMs,
      query_timeout: this.statementTimeoutMs + CONNECT_TIMEOUT_MS,
      keepAlive: true,
      types: typesWithBigint,
    });
    client.on('error', forget);
    client.on('end', forget);
    client.on('notification', (message) => this.onNotification?.(message));
    try {
      await client.connect();
      await prepareSession(client);
      if (this.channel !== null) await client.query(`listen ${client.escapeIdentifier(this.channel)}`);
      return client;
    } catch (error) {
      forget();
      client.end().catch(() => undefined);
      throw databaseUnavailable(`${this.label}: ${String(error)}`, error);
    }
  }
}

function noResult(): void {
  // A turn only says when, not what.
}

/** The driver gave up waiting for the answer to a statement. */
function isSilence(error: unknown): boolean {
  return error instanceof Error && error.message === 'Query read timeout';
}

/** The driver's errors without an SQLSTATE are failures of the connection. */
function asUnavailable(error: unknown, label: string): unknown {
  const isStatementError = error instanceof Error && 'code' in error && outageOf(error, label) === null;
  return isStatementError ? error : databaseUnavailable(`${label}: ${String(error)}`, error);
}
