import { readFileSync } from 'node:fs';
import ts from 'typescript';
import { adminErrorDoor } from '../../src/admin/index.js';
import { catalogErrorDoor, openAiErrorDoor } from '../../src/gateway/index.js';
import {
  AppError,
  ERROR_CODES,
  type ErrorCode,
  type ErrorDoor,
  type ErrorKind,
} from '../../src/platform/errors/index.js';
import { nodesOf, parse, readSources, type Source } from './sources.js';

const DOCUMENT = readFileSync('docs/errors.md', 'utf8');
const [KINDS = '', CODES = ''] = DOCUMENT.split('\n## Codes\n');
const CODE_LIST = 'src/platform/errors/error-codes.ts';

function firstCellsOf(text: string): string[] {
  return [...text.matchAll(/^\| `(\w+)`/gm)].map(([, name = '']) => name);
}

/** Codes that no file answers with, neither as a text nor as a template such as `${what}_not_found`. */
function unusedCodes(codes: readonly string[], sources: readonly Source[]): string[] {
  const texts = new Set<string>();
  const templates: RegExp[] = [];
  for (const source of sources.filter(({ path }) => path !== CODE_LIST && !path.endsWith('.spec.ts'))) {
    for (const node of nodesOf(parse(source))) {
      if (ts.isStringLiteral(node)) texts.add(node.text);
      if (ts.isPropertyAssignment(node) && ts.isIdentifier(node.name)) texts.add(node.name.text);
      if (ts.isTemplateExpression(node)) templates.push(patternOf(node));
    }
  }
  return codes.filter((code) => !texts.has(code) && !templates.some((template) => template.test(code)));
}

/** Templates that consist of word characters around their holes. */
function patternOf(node: ts.TemplateExpression): RegExp {
  const parts = [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)];
  const isCode = parts.every((part) => /^\w*$/.test(part)) && parts.some((part) => part.length > 3);
  return isCode ? new RegExp(`^${parts.join('\\w+')}$`) : /$^/;
}

/** What a door answers for a kind, as the row of the table says it. */
function answerOf(door: ErrorDoor, kind: ErrorKind): { status: string; type: string } {
  const { status, body } = door.render(new AppError(kind, 'x'), { requestId: 'r', clientRequestId: 'c' });
  const error = 'error' in body ? (body.error as { type?: unknown }) : {};
  return { status: status.toString(), type: typeof error.type === 'string' ? error.type : '' };
}

describe('docs/errors.md', () => {
  it('lists exactly the codes of the program, each once', () => {
    expect(firstCellsOf(CODES).toSorted()).toEqual([...ERROR_CODES].toSorted());
    expect(new Set(ERROR_CODES).size).toBe(ERROR_CODES.length);
  });

  it('lists no code that nothing answers with', () => {
    expect(unusedCodes(ERROR_CODES, readSources(['src']))).toEqual([]);
  });

  it('is compared by a test that finds a planted code', () => {
    const sources = [{ path: 'src/planted.ts', text: 'const a = { code: `${what}_not_found`, b: "used" };' }];
    expect(unusedCodes(['model_not_found', 'used', 'unused'], sources)).toEqual(['unused']);
  });

  it('says of every code what it means and what to do', () => {
    const rows = CODES.split('\n').filter((line) => line.startsWith('| `'));
    for (const row of rows) expect(row).toMatch(/^\| `\w+` +\| \S.*\S +\| \S.*\S +\|$/);
  });

  it('gives the status of every kind at every door as the doors do', () => {
    const rows = KINDS.split('\n').filter((line) => line.startsWith('| `'));
    const cells = rows.map((row) => row.split('|').map((cell) => cell.trim().replaceAll('`', '')));
    expect(cells.length).toBeGreaterThan(15);
    for (const [, kind = '', openAiStatus, type, adminStatus, catalogStatus] of cells) {
      expect(answerOf(openAiErrorDoor, kind as ErrorKind)).toEqual({ status: openAiStatus, type });
      expect(answerOf(adminErrorDoor, kind as ErrorKind).status).toBe(adminStatus);
      expect(answerOf(catalogErrorDoor, kind as ErrorKind).status).toBe(catalogStatus);
    }
  });

  it('knows every kind', () => {
    const text = readFileSync('src/platform/errors/app-error.ts', 'utf8');
    const union = /export type ErrorKind =([^;]+);/.exec(text)?.[1] ?? '';
    const kinds = [...union.matchAll(/'(\w+)'/g)].map(([, kind = '']) => kind);
    expect(firstCellsOf(KINDS).toSorted()).toEqual(kinds.toSorted());
  });
});

describe('codes', () => {
  it('are checked by the compiler', () => {
    // @ts-expect-error: a code that is not in the list
    const planted: ErrorCode = 'planted_code';
    expect(ERROR_CODES).not.toContain(planted);
  });
});
