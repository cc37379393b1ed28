import fc from 'fast-check'
import { mentionName, show, showName, showUnlinked } from '../../cards/escape.js'

test.each([
  ['an ordinary name', 'Athens relay (on-premises)', 'Athens relay (on-premises)'],
  ['underscores within words', 'CONTOSO_relay_01', 'CONTOSO_relay_01'],
  ['Greek and accents', 'Αθήνα, São Paulo', 'Αθήνα, São Paulo'],
  ['an address in a note', 'see https://tickets.example/7', 'see https://tickets.example/7'],
  ['what a template would bind', '${head.code}', '＄{head.code}'],
  ['a Markdown link', '[unblock now](https://evil.example)', '[unblock now］(https://evil.example)'],
  ['a link by reference', '[a][b] and [b]: https://evil.example', '[a］[b] and [b］: https://evil.example'],
  ['an image', '![x](https://evil.example/x.png)', '![x］(https://evil.example/x.png)'],
  ['bold, italic and struck text', '**a** _b_ ~~c~~', '∗∗a∗∗ ＿b＿ ∼∼c∼∼'],
  ['code', '`rm`', 'ˋrmˋ'],
  ['a backslash that would take its neighbour away', 'CONTOSO\\*', 'CONTOSO∖∗'],
  ['a mention', '<at>Everyone</at>', '‹at›Everyone‹/at›'],
  ['HTML', '<img src=x onerror=alert(1)>', '‹img src=x onerror=alert(1)›'],
  ['a time macro', '{{TIME(2026-11-22T03:05:00Z)}}', '｛{TIME(2026-11-22T03:05:00Z)}}'],
  ['three braces', '{{{x', '｛｛{x'],
  ['a heading', '# All clear', '＃ All clear'],
  ['a list', '- one', '‐ one'],
  ['a numbered list', '1. one', '1․ one'],
  ['a quotation', '> said', '› said'],
  ['several lines', 'first\r\n\r\n# second\u2028third', 'first # second third'],
  ['text that runs the other way', 'invoice\u202efdp.exe\u202c', 'invoicefdp.exe'],
  ['isolates and marks', 'a\u2066b\u2069c\u200fd\u061ce', 'abcde'],
  ['zero-width characters', 'ad\u200bm\u200din\ufeff\u2060', 'admin'],
  ['a soft hyphen', 'ad\u00admin', 'admin'],
  ['tag characters', 'a\u{e0041}\u{e0042}', 'a'],
  ['control characters', 'a\u0000\u0007\u001b[31mb', 'a[31mb'],
  ['a lone surrogate', 'a\ud83db', 'ab'],
  ['blank letters', '\u3164\u2800x', 'x'],
  ['a pile of accents', `e${'\u0301'.repeat(40)}`, 'e\u0301\u0301'],
])('%s is shown as text', (_what, foreign, shown) => {
  expect(show(foreign, 200)).toBe(shown)
})

test('long text is cut at a whole character and says so', () => {
  expect(show('a'.repeat(4000), 10)).toBe(`${'a'.repeat(9)}…`)
  expect(show('Ω'.repeat(20), 5)).toBe('ΩΩΩΩ…')
  expect(show('😀'.repeat(20), 6)).toBe('😀😀…')
  expect(show('ten chars!', 10)).toBe('ten chars!')
})

test("an address in a connector's name is no address any more", () => {
  expect(showUnlinked('verify at https://evil.example or www.evil.example', 80)).toBe(
    'verify at https:∕∕evil.example or www․evil.example',
  )
})

test('hiding a character in an address does not keep it one', () => {
  expect(showUnlinked('http:\u200b//evil.example', 80)).toBe('http:∕∕evil.example')
})

test('somebody whose name is blank is shown by id', () => {
  expect(showName({ id: 'ab12', name: ' \u200b\u3164 ' })).toBe('ab12')
  expect(showName({ id: 'ab12', name: 'Maria' })).toBe('Maria')
})

test('a mention cannot be left from within the name', () => {
  expect(mentionName('x</at> <at>Everyone')).toBe('x‹/at› ‹at›Everyone')
})

const hostile = fc.array(
  fc.constantFrom(
    ...[
      '[',
      ']',
      '(',
      ')',
      '{',
      '}',
      '$',
      '<',
      '>',
      '*',
      '_',
      '`',
      '~',
      '\\',
      '#',
      '-',
      '1.',
      ' ',
      '\n',
      'a',
      ':',
    ],
    ...['\u202e', '\u200b', '\u0301', '\ud83d', '😀', '://', 'www.'],
  ),
  { maxLength: 60 },
)

test('whatever is thrown at it: bounded, one line, inert, and the same when shown twice', () => {
  fc.assert(
    fc.property(hostile, fc.integer({ min: 1, max: 40 }), (pieces, most) => {
      const text = show(pieces.join(''), most)
      expect(text).not.toMatch(/\][[(:]|\{\{|\$\{|[*`~\\<>\n]|[\p{Cc}\p{Cf}\p{Cs}]/u)
      expect(text).not.toMatch(/^(?:[#+-]|\d+[.)])/)
      expect(text).not.toMatch(/(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/u)
      expect(text.length).toBeLessThanOrEqual(most)
      expect(show(text, most)).toBe(text)
      expect(showUnlinked(pieces.join(''), most)).not.toMatch(/:\/\/|www\./)
    }),
    { numRuns: 500 },
  )
})
