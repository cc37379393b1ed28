import { readdirSync } from 'node:fs'
import { z } from 'zod'
import { defineCard } from '../../cards/card.js'
import { clickSchema } from '../../cards/clicks.js'
import { gallery } from '../../cards/gallery.js'
import { bindingProblems } from '../support/card-binding.js'
import { buttonsOf, bytesOf, inputsOf, partsOf, textsOf, transcriptOf } from '../support/card-parts.js'

const exhibits = gallery()
const examples = exhibits.flatMap(({ kind, examples }) =>
  examples.map((example) => ({ ...example, name: `${kind.name}: ${example.name}` })),
)

test('every card that has a template is shown in the gallery, and held by this suite', () => {
  const folders = new URL('../../cards/', import.meta.url)
  const withTemplate = readdirSync(folders, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('template.json'))
    .map((path) => path.split(/[\\/]/)[0])
  expect(exhibits.map(({ kind }) => kind.name).sort()).toEqual(withTemplate.sort())
  expect(exhibits.every(({ examples }) => examples.length > 0)).toBe(true)
})

describe.each(exhibits.map(({ kind }) => kind))('the template of the $name card', ({ template, schema }) => {
  test('binds nothing that its view lacks and leaves nothing of its view out', () => {
    expect(bindingProblems(template, schema)).toEqual([])
  })

  test('holds no words of its own: all that people read comes from the catalogue', () => {
    const read = ['text', 'title', 'label', 'placeholder', 'errorMessage', 'fallbackText', 'speak', 'altText']
    const own = partsOf(template).flatMap((part) =>
      read.filter((key) => typeof part[key] === 'string' && !/^\$\{[^{}]+\}$/.test(String(part[key]))),
    )
    expect(own).toEqual([])
  })
})

describe.each(examples)('$name', ({ card, view }) => {
  test('is a card that Teams can show', () => {
    expect(card).toMatchObject({ type: 'AdaptiveCard', version: '1.5', msteams: { width: 'Full' } })
    expect(card.fallbackText).toEqual(expect.stringMatching(/\S/))
    expect(card.speak).toBe(card.fallbackText)
    expect(bytesOf(card)).toBeLessThan(25_000)
  })

  test('shows no binding, no gap, and nothing that was not worded', () => {
    expect(JSON.stringify(card)).not.toMatch(/\$\{|\bundefined\b|\bnull\b|\bNaN\b|\[object/)
    for (const text of textsOf(card)) expect(text.trim()).not.toBe('')
  })

  test('lets every deciding button send exactly what clicks are parsed with, in both forms', () => {
    for (const button of buttonsOf(card)) {
      if (button.type === 'Action.OpenUrl') continue
      const data = clickSchema.parse(button.data)
      expect(button.verb).toBe(data.verb)
      expect(button.fallback).toEqual({ type: 'Action.Submit', title: button.title, data: button.data })
      expect(Object.keys(data)).not.toEqual(expect.arrayContaining(['reason']))
      expect(Object.keys(data)).not.toEqual(expect.arrayContaining(['note']))
    }
  })

  test('keeps its buttons in action sets of at most six, the most that Teams draws', () => {
    const sets = partsOf(card).filter(({ type }) => type === 'ActionSet')
    const inSets = sets.flatMap(({ actions }) => actions)
    expect(inSets.length).toBe(buttonsOf(card).length)
    for (const { actions } of sets) expect((actions as unknown[]).length).toBeLessThanOrEqual(6)
    expect(card).not.toHaveProperty('actions')
  })

  test('labels its inputs and requires none of them, for several buttons share them', () => {
    for (const input of inputsOf(card)) {
      expect(input.label).toEqual(expect.stringMatching(/\S/))
      expect(input).not.toHaveProperty('isRequired')
    }
  })

  test('folds open only what is there, under ids of its own', () => {
    const ids = partsOf(card).flatMap(({ id }) => (typeof id === 'string' ? [id] : []))
    const targets = partsOf(card).flatMap(({ targetElements }) => targetElements ?? [])
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids).toEqual(expect.arrayContaining(targets))
  })

  test('writes local times only where Teams replaces them', () => {
    const blocks = partsOf(card).filter(({ type }) => type === 'TextBlock')
    const macros = (text: string) => text.match(/\{\{/g)?.length ?? 0
    const inBlocks = blocks.reduce((sum, { text }) => sum + macros(String(text)), 0)
    expect(inBlocks).toBe(macros(JSON.stringify(card)))
    for (const [, at] of JSON.stringify(card).matchAll(/\{\{(?:DATE|TIME)\(([^,)]+)/g))
      expect(at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  })

  test('is refused as a whole if its view has one key too many or too few', () => {
    const { kind } = exhibits.find(({ examples }) => examples.some((example) => example.view === view)) ?? {}
    expect(kind?.schema.safeParse(view).success).toBe(true)
    expect(kind?.schema.safeParse({ ...(view as object), more: 1 }).success).toBe(false)
    expect(kind?.schema.safeParse({ ...(view as object), fallbackText: undefined }).success).toBe(false)
  })

  test('reads as it did', () => {
    expect(transcriptOf(card)).toMatchSnapshot()
  })
})

test.each(exhibits)('the $kind.name card is built as it was', ({ examples }) => {
  expect(examples[0]?.card).toMatchSnapshot()
})

describe('the comparison of bindings with the view', () => {
  const view = z.strictObject({
    title: z.string(),
    flag: z.boolean(),
    rows: z.array(z.strictObject({ name: z.string() })),
  })
  const good = { text: '${title}', $when: '${flag}', body: [{ $data: '${rows}', text: 'a ${name}' }] }

  test('finds nothing where all fits', () => {
    expect(bindingProblems(good, view)).toEqual([])
  })

  test.each([
    ['a misspelt binding', { ...good, text: '${tilte}' }, '${tilte} is not in the view'],
    [
      'a binding to the outside from within rows',
      { ...good, body: [{ $data: '${rows}', text: '${title}' }] },
      '${title} is not in the view',
    ],
    ['a key that nothing shows', { ...good, text: 'fixed' }, "the view's title is shown nowhere"],
    [
      'a key of a row that nothing shows',
      { ...good, body: [{ $data: '${rows}' }] },
      "the view's rows[].name is shown nowhere",
    ],
    ['a $when that is a text', { ...good, $when: '${title}' }, '${title} is not boolean'],
    ['a $when that is no binding', { ...good, $when: true }, 'true is not one whole binding'],
    ['rows that are no array', { ...good, body: [{ $data: '${title}' }] }, '${title} is not an array'],
    ['a binding that does not end', { ...good, more: '${title' }, 'does not end'],
    ['a list amid text', { ...good, more: 'a ${rows}' }, '${rows} is not a string'],
  ])('names %s', (_what, template, problem) => {
    expect(bindingProblems(template, view).join('\n')).toContain(problem)
  })

  test('a card refuses to render a view that does not fit', () => {
    const card = defineCard('moved', view, new URL('../../cards/moved/template.json', import.meta.url))
    expect(() => card.render({ title: 'a', flag: 'true', rows: [] } as never)).toThrow(/flag/)
  })
})
