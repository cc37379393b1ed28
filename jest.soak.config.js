import usual from './jest.config.js'

/** @type {import('jest').Config} */
export default {
  ...usual,
  // One after the other: they measure.
  maxWorkers: 1,
  testTimeout: 3_600_000,
  testMatch: ['<rootDir>/test/soak/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/'],
}
