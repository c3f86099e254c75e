import { isDeepStrictEqual } from 'node:util';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { Client } from 'pg';
import { AppModule } from '../../src/app.module.js';
import { AdminTokenRegistry, type AdminRole } from '../../src/auth/index.js';
import { configureApp, createFastifyAdapter } from '../../src/gateway/index.js';
import { ChangeFeed } from '../../src/platform/changes/index.js';
import { readConfig } from '../../src/platform/config/index.js';
import { OperationCatalog } from '../../src/platform/openapi/index.js';
import { AdminClient } from '../support/admin.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { ADMIN_TOKEN, gatewayEnvironment } from '../support/gateway.js';

export interface Answer<T> {
  status: number;
  headers: Headers;
  body: T;
}

export interface ProblemBody {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  request_id: string;
  errors?: { path: string; code: string; message: string }[];
}

export interface RegisteredRoute {
  method: string;
  path: string;
}

/** The whole application inside the test process, on a database of its own, spoken to over real HTTP. */
export class AdminApp {
  readonly admin: AdminClient;

  private constructor(
    readonly url: string,
    /** Routes as the HTTP server knows them. */
    readonly routes: readonly RegisteredRoute[],
    private readonly strayAnswers: readonly string[],
    private readonly app: NestFastifyApplication,
    private readonly database: TestDatabase,
  ) {
    this.admin = new AdminClient(url);
  }

  static async start(env: Record<string, string> = {}): Promise<AdminApp> {
    const database = await createTestDatabase();
    const config = readConfig(gatewayEnvironment({ databaseUrl: database.url, env: { LOG_LEVEL: 'silent', ...env } }));
    const module = AppModule.forRoot(config, 'gateway');
    const app = await NestFactory.create<NestFastifyApplication>(module, createFastifyAdapter(), {
      logger: false,
      bodyParser: false,
    });
    const routes: RegisteredRoute[] = [];
    const server = app.getHttpAdapter().getInstance();
    server.addHook('onRoute', ({ method, url }) => {
      for (const one of [method].flat()) routes.push({ method: one, path: url });
    });
    const strayAnswers: string[] = [];
    server.addHook('onSend', (request, reply, payload, done) => {
      if (reply.statusCode < 300) strayAnswers.push(...strayAnswer(app, request, payload));
      done();
    });
    configureApp(app);
    await app.listen(0, '127.0.0.1');
    return new AdminApp(await app.getUrl(), routes, strayAnswers, app, database);
  }

  /** @throws when an answer of this test file was not as the API document says. */
  async stop(): Promise<void> {
    await this.app.close();
    await this.database.drop();
    if (this.strayAnswers.length > 0)
      throw new Error(`answers unlike their document:\n${this.strayAnswers.join('\n')}`);
  }

  /** A client with a new token of this role. */
  async clientOf(role: AdminRole, expiresAt: Date | null = null): Promise<AdminClient> {
    const { token } = await this.app.get(AdminTokenRegistry).create({ name: `test ${role}`, role, expiresAt });
    await this.app.get(ChangeFeed).catchUp();
    return new AdminClient(this.url, token);
  }

  /** Any call; the answer's body as JSON. */
  async call<T = ProblemBody>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> {
    return answerOf<T>(await this.admin.send(method, path, body, headers));
  }

  /** A body that need not be JSON. */
  async sendText(method: string, path: string, text: string): Promise<Answer<ProblemBody>> {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' };
    return answerOf(await fetch(`${this.url}/admin/v1${path}`, { method, headers, body: text }));
  }

  /** A part of the application. */
  get<T>(part: Type<T>): T {
    return this.app.get(part);
  }

  /** Reads the database behind the application's back. */
  async query<Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> {
    const client = new Client({ connectionString: this.database.url });
    await client.connect();
    try {
      return (await client.query<Row>(sql, values)).rows;
    } finally {
      await client.end();
    }
  }
}

/** Reads an answer. */
export async function answerOf<T = ProblemBody>(response: Response): Promise<Answer<T>> {
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: (text === '' ? undefined : JSON.parse(text)) as T,
  };
}

/** An answer that lacks a documented field, has another type in one, or has an undocumented one. */
function strayAnswer(app: NestFastifyApplication, request: FastifyRequest, payload: unknown): string[] {
  const { url: path, method } = request.routeOptions;
  const route = app
    .get(OperationCatalog)
    .all()
    .find((one) => one.path === path && one.method === method);
  if (route?.operation === null || route?.operation === undefined || !route.path.startsWith('/admin/v1/')) return [];
  const body: unknown = typeof payload === 'string' && payload !== '' ? JSON.parse(payload) : undefined;
  const { response } = route.operation;
  const parsed = response === undefined ? { success: body === undefined, data: undefined } : response.safeParse(body);
  const isDocumented = parsed.success && isDeepStrictEqual(parsed.data, body);
  return isDocumented ? [] : [`${request.method} ${route.path}: ${JSON.stringify(body)}`];
}
