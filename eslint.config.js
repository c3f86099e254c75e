import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

const FILE_LINES_MAX = 300;
const FUNCTION_LINES_MAX = 50;
const PARAMETERS_MAX = 6;

const noDefaultExport = {
  selector: 'ExportDefaultDeclaration',
  message: 'Export by name: a thing keeps its name wherever it is used.',
};
const noClock = [
  {
    selector: "CallExpression[callee.object.name=/^(Date|performance)$/][callee.property.name='now']",
    message: 'The domain has no clock: take the time as an argument.',
  },
  {
    selector: "NewExpression[callee.name='Date'][arguments.length=0]",
    message: 'The domain has no clock: take the time as an argument.',
  },
];
const databaseDrivers = {
  regex: '^(typeorm|pg)(/|$)',
  message: 'Only persistence/ and platform/database talk to the database.',
};
const frameworks = {
  regex:
    '^(@nestjs|fastify|bullmq|undici)(/|$)|/platform/(access|changes|clock|config|database|logging|metrics|queue)/',
  message: 'The domain is pure: no framework, no database, no clock, no network.',
};

/** Type-aware rules for all TypeScript; `npm run check` runs them with every test run. */
export default defineConfig(
  { ignores: ['dist/', 'node_modules/', 'coverage/', '.data/'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      // `return sender.json(404)` ends a function early, on purpose.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      // TypeORM and Nest take plain objects where their types name classes.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // An async method without await turns a throw into a rejection, as its interface promises.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      eqeqeq: 'error',
      'no-console': 'error',
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Settings are read once, in platform/config; inject CONFIG.' },
      ],
      'no-restricted-syntax': ['error', noDefaultExport],
      'no-restricted-imports': ['error', { patterns: [databaseDrivers] }],
      'max-lines': ['error', { max: FILE_LINES_MAX }],
      'max-lines-per-function': ['error', { max: FUNCTION_LINES_MAX }],
      'max-params': ['error', { max: PARAMETERS_MAX }],
      'prefer-const': 'error',
    },
  },
  {
    files: ['src/*/domain/**/*.ts'],
    ignores: ['**/*.spec.ts'],
    rules: {
      'no-restricted-syntax': ['error', noDefaultExport, ...noClock],
      'no-restricted-imports': ['error', { patterns: [databaseDrivers, frameworks] }],
    },
  },
  {
    files: ['src/*/persistence/**/*.ts', 'src/platform/database/**/*.ts', 'migrations/**/*.ts', 'test/**/*.ts'],
    rules: { 'no-restricted-imports': 'off' },
  },
  {
    files: ['src/platform/config/**/*.ts', 'src/main.ts', 'src/worker.ts', 'src/start/**/*.ts', 'test/**/*.ts'],
    rules: { 'no-restricted-properties': 'off' },
  },
  {
    files: ['src/start/**/*.ts', 'src/main.ts', 'src/worker.ts', 'test/{support,bench}/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['**/*.spec.ts'],
    rules: {
      'max-lines-per-function': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      // `expect(object.method)` does not call it.
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    // A migration is history: it is never split after it has run somewhere.
    files: ['migrations/**/*.ts'],
    rules: { 'max-lines': 'off' },
  },
  {
    files: ['**/*.js'],
    rules: { eqeqeq: 'error', 'prefer-const': 'error', 'max-lines': ['error', { max: FILE_LINES_MAX }] },
  },
);
