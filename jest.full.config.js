import base from './jest.config.js';

/** The slow tests (kills, crash points, whole matrices): `npm run test:full`. One file at a time: they measure recovery times. */
export default {
  ...base,
  testMatch: ['**/*.full.spec.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  maxWorkers: 1,
};
