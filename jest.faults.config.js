import usual from './jest.config.js'

/** @type {import('jest').Config} */
export default {
  ...usual,
  // One after the other: when a process is killed should depend on the test, not on its neighbours.
  maxWorkers: 1,
  testMatch: ['<rootDir>/test/faults/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/'],
}
