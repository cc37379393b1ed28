import { clickSchema, clickVerbs } from '../../cards/clicks.js'

const parses = (data: unknown) => clickSchema.safeParse(data).success

test('a click that a button of ours sends is taken, with whatever was typed beside it', () => {
  expect(parses({ verb: 'acknowledge', incident: 'CR-42', version: 3, reason: '', note: '' })).toBe(true)
  expect(parses({ verb: 'done', incident: 'CR-42', version: 3, step: 'audit', note: 'x'.repeat(4000) })).toBe(
    true,
  )
  expect(parses({ verb: 'page', page: 2, batch: 'read-7' })).toBe(true)
  expect(parses({ verb: 'page', page: 2, list: '' })).toBe(true)
})

test.each(clickVerbs.filter((verb) => verb !== 'page'))('%s without an incident is refused', (verb) => {
  expect(parses({ verb, step: 'audit' })).toBe(false)
  expect(parses({ verb, step: 'audit', incident: 'CR-42' })).toBe(true)
})

test.each(['done', 'skip', 'undo'])('%s without a step is refused', (verb) => {
  expect(parses({ verb, incident: 'CR-42' })).toBe(false)
})

test.each([
  ['an unknown verb', { verb: 'unblock', incident: 'CR-42' }],
  ['no verb', { incident: 'CR-42' }],
  ['an unknown step', { verb: 'done', incident: 'CR-42', step: 'all' }],
  ['who acts', { verb: 'approve', incident: 'CR-42', actor: 'admin' }],
  ['a tenant', { verb: 'approve', incident: 'CR-42', tenant: 'contoso' }],
  ['an id of another form', { verb: 'approve', incident: '42' }],
  ['an id with more behind it', { verb: 'approve', incident: 'CR-42 CR-43' }],
  ['a number where text belongs', { verb: 'approve', incident: 'CR-42', reason: 7 }],
  ['a text beyond all bounds', { verb: 'note', incident: 'CR-42', note: 'x'.repeat(4001) }],
  ['a page that is none', { verb: 'page', page: 0, list: '' }],
  ['a page of nothing', { verb: 'page', page: 2 }],
  ['a page of two things', { verb: 'page', page: 2, list: '', batch: 'read-7' }],
  ['a list', [{ verb: 'approve' }]],
  ['nothing', null],
])('a click that carries %s is refused', (_what, data) => {
  expect(parses(data)).toBe(false)
})
