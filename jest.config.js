/** Jest runs ES modules as they are; SWC only strips types and lowers decorators. */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/src', '<rootDir>/test'],
  testMatch: ['**/*.spec.ts'],
  // Minutes long: `npm run test:full`.
  testPathIgnorePatterns: ['/node_modules/', '\\.full\\.spec\\.ts$'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': ['@swc/jest', { swcrc: true }] },
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  // Ends what hangs; no promise is measured by it, and a machine that others share can be many times slower.
  testTimeout: 180_000,
  // They mostly wait, for processes of ours and for Postgres; no test depends on how long.
  maxWorkers: 3,
  workerIdleMemoryLimit: '768MB',
  reporters: ['default', '<rootDir>/test/support/jest/summary-reporter.js'],
  globalSetup: '<rootDir>/test/support/jest/global-setup.js',
  globalTeardown: '<rootDir>/test/support/jest/global-teardown.js',
};
