/** @type {import('jest').Config} */
export default {
  testTimeout: 30_000,
  // Much of the time is spent waiting for processes and sockets, so three at once pay even on two cores.
  maxWorkers: 3,
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'es6' } },
    ],
  },
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  moduleFileExtensions: ['ts', 'js', 'mjs', 'cjs', 'json'],
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/', '<rootDir>/test/(browser|faults|soak)/'],
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
}
