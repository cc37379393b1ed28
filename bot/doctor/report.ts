import type { Check, Result } from './check.js'
import type { Findings } from './examination.js'
import { areaOf, areas, titles } from './titles.js'

const signs: Record<Result, string> = { ok: '✓ ok  ', warn: '! warn', fail: '✗ fail' }
const colours: Record<Result, string> = { ok: '\u001b[32m', warn: '\u001b[33m', fail: '\u001b[31m' }
const plain = '\u001b[0m'

/** Where a line's second row begins. */
const indent = ' '.repeat(9)

const nothingFailed = (checks: Check[]): boolean => checks.every(({ result }) => result !== 'fail')

/** 0 if nothing failed, else 1. */
export const exitCodeOf = ({ checks }: Findings): number => (nothingFailed(checks) ? 0 : 1)

/** For scripts: one object. */
export const asJson = ({ checks }: Findings): string =>
  JSON.stringify(
    {
      ok: nothingFailed(checks),
      checks: checks.map(({ id, subject, result, found, fix }) => ({
        id,
        area: areaOf(id),
        subject,
        result,
        found,
        fix,
      })),
    },
    null,
    2,
  )

/** For people: a line for each check, area by area. */
export function asText({ checks, whole }: Findings, colourful: boolean): string {
  const blocks = Object.entries(areas).flatMap(([area, title]) => {
    const own = checks.filter(({ id }) => areaOf(id) === area)
    return own.length === 0 ? [] : [[title, ...own.map((check) => lineOf(check, colourful))].join('\n')]
  })
  return `${[...blocks, summary(checks, whole)].join('\n\n')}\n`
}

function lineOf({ id, subject, result, found, fix }: Check, colourful: boolean): string {
  const sign = colourful ? `${colours[result]}${signs[result]}${plain}` : signs[result]
  const what = subject ? `${titles[id]} (${printable(subject)})` : titles[id]
  const [first = '', ...more] = printable(found).split('\n')
  return [
    `  ${sign} ${what}: ${first}`,
    ...more.map((line) => `${indent}${line}`),
    ...(fix ? [`${indent}What to do: ${printable(fix)}`] : []),
  ].join('\n')
}

/** What came from elsewhere must not move the cursor or colour the terminal. */
const printable = (text: string): string => text.replace(/(?!\n)[\p{Cc}\p{Cf}]+/gu, ' ')

function summary(checks: Check[], whole: boolean): string {
  const count = (result: Result) => checks.filter((check) => check.result === result).length
  const counts = `${count('ok')} ok, ${count('warn')} to look at, ${count('fail')} failed.`
  return whole ? counts : `${counts} Everything else needs the settings and was not looked at.`
}
