import { createConfig, lintFromString } from '@redocly/openapi-core';
import { ADMIN_TOKEN } from '../support/gateway.js';
import { OpenApiDriver, type ApiDocument, type DrivenCall } from '../support/openapi-driver.js';
import { AdminApp } from './admin.app.js';

/** Ways to fail that a request made from a true document never meets. */
const NEVER = new Set([400, 401, 403, 405, 412, 500, 501]);

describe('the API document, taken at its word', () => {
  let app: AdminApp;
  let text: string;
  let calls: DrivenCall[];
  let driver: OpenApiDriver;

  beforeAll(async () => {
    app = await AdminApp.start();
    text = await (await fetch(`${app.url}/docs/openapi.json`)).text();
    const account = await app.admin.post<{ id: string }>('/accounts', { kind: 'personal', name: 'Ada' });
    const { key } = await app.admin.post<{ key: string }>('/api-keys', { name: 'k', owner_account_id: account.id });
    driver = new OpenApiDriver(app.url, JSON.parse(text) as ApiDocument, { adminToken: ADMIN_TOKEN, apiKey: key });
    calls = await driver.run();
  });
  afterAll(async () => app.stop());

  it('has not one fault in the eyes of a linter, of those that only warn neither', async () => {
    const config = await createConfig({ extends: ['recommended'] });
    const problems = await lintFromString({ source: text, absoluteRef: '/openapi.json', config });
    expect(problems.map(({ ruleId, message, location }) => [ruleId, message, location[0]?.pointer])).toEqual([]);
  });

  it('is linted by a linter that finds planted faults', async () => {
    const config = await createConfig({ extends: ['recommended'] });
    const planted = text.replace('"operationId":', '"operationIdd":');
    const problems = await lintFromString({ source: planted, absoluteRef: '/openapi.json', config });
    expect(problems.length).toBeGreaterThan(0);
  });

  it('leads to every operation', () => {
    const { paths } = JSON.parse(text) as ApiDocument;
    expect(calls).toHaveLength(Object.values(paths).flatMap((methods) => Object.keys(methods)).length);
    expect(calls.length).toBeGreaterThan(70);
  });

  it('describes each answer: its status, its content type and its every field', () => {
    expect(calls.filter(({ faults }) => faults.length > 0)).toEqual([]);
  });

  it('lets requests be built that are never called malformed', () => {
    expect(calls.filter(({ status }) => NEVER.has(status))).toEqual([]);
  });

  it('is enough to make every kind of resource and to read every list', () => {
    const first = calls.filter(({ name }) => /^(POST|GET) \/admin/.test(name) && !name.includes('{'));
    expect(first.length).toBeGreaterThan(20);
    expect(first.filter(({ status }) => status >= 300).map(({ name, body }) => [name, body])).toEqual([]);
    expect(calls.filter(({ status }) => status < 300).length).toBeGreaterThan(calls.length * 0.6);
  });

  it('is judged by a driver that notices what is missing, of another type, or too much', () => {
    const account = { $ref: '#/components/schemas/Account' };
    const good = calls.find(({ name }) => name === 'POST /admin/v1/accounts')?.body as Record<string, unknown>;
    expect(driver.faultsOf(account, good)).toEqual([]);
    expect(driver.faultsOf(account, { ...good, name: 1 })).not.toEqual([]);
    expect(driver.faultsOf(account, { ...good, more: 1 })).not.toEqual([]);
    expect(driver.faultsOf(account, { ...good, id: undefined })).not.toEqual([]);
  });
});
