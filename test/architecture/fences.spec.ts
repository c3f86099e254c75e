import { readAllowedImports } from './allowed-imports.js';
import {
  driverImports,
  environmentReads,
  facadeBypasses,
  forbiddenPairs,
  impureDomains,
  vagueFolders,
} from './import-fences.js';
import { anyTypes, defaultExports, longFiles, longFunctions, longParameterLists } from './size-fences.js';
import { readSources, type Source } from './sources.js';

const allowed = readAllowedImports();
const sources = readSources(['src', 'test', 'migrations']);

interface Fence {
  rule: string;
  violations: (files: readonly Source[]) => string[];
  /** Files that break the rule, and a part of what the fence says about each. */
  planted: readonly (Source & { said: string })[];
}

const file = (path: string, text: string, said: string): Source & { said: string } => ({ path, text, said });
const lines = (count: number): string => 'let a = 1;\n'.repeat(count);

const FENCES: readonly Fence[] = [
  {
    rule: 'modules import only what the table in docs/architecture.md allows',
    violations: (files) => forbiddenPairs(files, allowed),
    planted: [
      file('src/wallet/planted.ts', `import { KeyService } from '../auth/index.js';`, 'src/auth/index.ts'),
      file('src/provider/planted.ts', `import type { Tier } from '../wallet/index.js';`, 'src/wallet/index.ts'),
      file('src/platform/money/planted.ts', `export * from '../../wallet/index.js';`, 'src/wallet/index.ts'),
      file('src/router/domain/planted.ts', `const a = await import('../../billing/index.js');`, 'src/billing/index.ts'),
      file('src/admin/planted.ts', `import { openAiErrorDoor } from '../gateway/index.js';`, 'src/gateway/index.ts'),
      file('src/auth/planted.ts', `import { AppModule } from '../app.module.js';`, 'src/app.module.ts'),
      file('src/wallet/planted.ts', `import { x } from '../../test/support/poll.js';`, 'test/support/poll.ts'),
      file('src/extras/planted.ts', '', 'src/extras is not in the table'),
    ],
  },
  {
    rule: 'another module is imported through its index.ts',
    violations: facadeBypasses,
    planted: [
      file('src/policy/planted.ts', `import { x } from '../auth/domain/identity.js';`, 'src/auth/domain/identity.ts'),
      file('src/auth/planted.ts', `import { x } from '../platform/money/money.js';`, 'src/platform/money/money.ts'),
      file('src/platform/ids/planted.ts', `import { x } from '../money/money.js';`, 'src/platform/money/money.ts'),
      file('src/planted.ts', `import { x } from './wallet/wallet.module.js';`, 'src/wallet/wallet.module.ts'),
      file('src/gateway/planted.ts', `import { x } from '../wallet/domain/index.js';`, 'src/wallet/domain/index.ts'),
    ],
  },
  {
    rule: 'only persistence talks to the database',
    violations: driverImports,
    planted: [
      file('src/auth/planted.ts', `import type { EntityManager } from 'typeorm';`, 'imports typeorm'),
      file('src/gateway/planted.ts', `import { Client } from 'pg';`, 'imports pg'),
      file('src/billing/jobs/planted.ts', `import { x } from 'typeorm/driver.js';`, 'imports typeorm/driver.js'),
    ],
  },
  {
    rule: 'domains are pure',
    violations: impureDomains,
    planted: [
      file('src/auth/domain/planted.ts', `import { Injectable } from '@nestjs/common';`, '@nestjs/common'),
      file('src/auth/domain/planted.ts', `import { Entity } from 'typeorm';`, 'typeorm'),
      file('src/auth/domain/planted.ts', `import { readFile } from 'node:fs/promises';`, 'node:fs/promises'),
      file('src/auth/domain/planted.ts', `import { Clock } from '../../platform/clock/index.js';`, 'platform/clock'),
      file('src/auth/domain/planted.ts', `import { KeyService } from '../key.service.js';`, 'key.service.ts'),
      file('src/auth/domain/planted.ts', `import { x } from '../persistence/key.repository.js';`, 'persistence'),
      file('src/auth/domain/planted.ts', `\nconst now = Date.now();`, 'planted.ts:2 reads the clock'),
      file('src/auth/domain/planted.ts', `const now = new Date();`, 'planted.ts:1 reads the clock'),
      file('src/auth/domain/planted.ts', `const now = performance.now();`, 'planted.ts:1 reads the clock'),
    ],
  },
  {
    rule: 'the environment is read in one place',
    violations: environmentReads,
    planted: [
      file('src/auth/planted.ts', `const a = process.env['SECRET'];`, 'planted.ts:1 reads process.env'),
      file('src/auth/planted.ts', `const { SECRET } = process.env;`, 'planted.ts:1 reads process.env'),
      file('src/platform/database/planted.ts', `const a = process['env'].X;`, 'planted.ts:1 reads process.env'),
    ],
  },
  {
    rule: 'folders are named after what is in them',
    violations: vagueFolders,
    planted: [
      file('src/auth/utils/planted.ts', '', 'says nothing'),
      file('test/helpers/planted.ts', '', 'says nothing'),
    ],
  },
  {
    rule: 'a file has at most 300 lines',
    violations: longFiles,
    planted: [file('src/auth/planted.ts', lines(301), 'has 301 lines')],
  },
  {
    rule: 'a function has at most 50 lines',
    violations: longFunctions,
    planted: [
      file('src/auth/planted.ts', `function long() {\n${lines(49)}}\n`, 'a function of 51 lines'),
      file('src/auth/planted.ts', `class A {\n  b = () => {\n${lines(49)}};\n}\n`, 'planted.ts:2'),
    ],
  },
  {
    rule: 'a parameter list has at most 6 entries',
    violations: longParameterLists,
    planted: [file('src/auth/planted.ts', 'class A { constructor(a, b, c, d, e, f, g) {} }', 'takes 7 parameters')],
  },
  {
    rule: 'nothing is exported by default',
    violations: defaultExports,
    planted: [
      file('src/auth/planted.ts', 'export default class A {}', 'exports by default'),
      file('src/auth/planted.ts', 'const a = 1;\nexport default a;', 'planted.ts:2 exports by default'),
    ],
  },
  {
    rule: 'nothing is of type any',
    violations: anyTypes,
    planted: [file('src/auth/planted.ts', 'export const a = (b: any): unknown => b;', 'says any')],
  },
];

describe.each(FENCES)('$rule', ({ violations, planted }) => {
  it('holds', () => {
    expect(violations(sources)).toEqual([]);
  });

  it.each(planted)('finds a planted violation: $said', ({ said, ...source }) => {
    const found = violations([source]);
    expect(found.join('\n')).toContain(said);
  });
});

describe('the table of allowed imports', () => {
  it('names the ground floor, the nine modules, the three doors and the start', () => {
    const modules = [
      'platform',
      'events',
      'wallet',
      'provider',
      'router',
      'auth',
      'policy',
      'billing',
      'analytics',
      'reconciliation',
    ];
    expect([...allowed.keys()]).toEqual([...modules, 'gateway', 'admin', 'health', 'start']);
    expect(allowed.get('platform')).toEqual(new Set());
  });

  it('runs downwards only: no two modules may import each other, in any number of steps', () => {
    const reaches = (from: string, to: string, seen = new Set<string>()): boolean =>
      [...(allowed.get(from) ?? [])].some((next) => {
        if (next === to) return true;
        return seen.has(next) ? false : reaches(next, to, seen.add(next));
      });
    expect([...allowed.keys()].filter((module) => reaches(module, module))).toEqual([]);
  });
});
