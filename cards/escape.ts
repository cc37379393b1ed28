declare const shown: unique symbol

/**
 * Text that came from outside (Exchange, Teams, a person) and is safe to put anywhere on a card or in a
 * message. Only the functions of this file make one, so the compiler finds what was not made safe.
 */
export type Shown = string & { readonly [shown]: true }

/** The most characters of each kind of foreign text that a card shows; the record keeps all of it. */
export const mostShown = {
  name: 40,
  connector: 64,
  tenant: 64,
  word: 40,
  text: 140,
  short: 64,
  reason: 160,
  /** Channels' ids are some sixty characters long, and of use only as a whole. */
  id: 120,
} as const

/**
 * Makes foreign text inert: one line, nothing invisible, no Markdown, no mention, no macro, at most `most`
 * characters (the last one is then an ellipsis).
 *
 * Characters with a meaning are replaced by look-alikes, not escaped by a backslash: the older native
 * renderers of Teams' phone apps make a link of `\[text\](address)` all the same and print the backslash.
 */
export const show = (text: string, most: number): Shown => inert(shorten(visible(text), most)) as Shown

/**
 * The same for what Exchange reports. Whoever misused a connector may have named it, so an address in it must
 * not become something to tap; people's own notes keep theirs, shown as they are.
 */
export const showUnlinked = (text: string, most: number): Shown =>
  inert(shorten(unlinked(visible(text)), most)) as Shown

/**
 * The same for sender addresses, which people copy: an address stays one to the letter. It must not begin a line,
 * where a number with a full stop would be a list.
 */
export const showAddress = (text: string, most: number): Shown =>
  /^[\da-f][\da-f.:/-]*(, [\da-f][\da-f.:/-]*)*$/i.test(text) && text.length <= most
    ? (text as Shown)
    : showUnlinked(text, most)

/** A person's display name; the id stands in where nothing of the name can be seen. */
export function showName(person: { id: string; name: string }): Shown {
  const name = show(person.name, mostShown.name)
  return name === '' ? show(person.id, mostShown.name) : name
}

/**
 * A display name as it stands between `<at>` and `</at>`. Teams mentions only where the entity's text is the very
 * same as the message's, so both take it from here. Making a name safe twice changes nothing.
 */
export const mentionName = (name: string): Shown => show(name, mostShown.name)

// Controls, bidi and other format characters, lone surrogates, private use; line ends and tabs become spaces.
const invisible = /(?!\s)[\p{Cc}\p{Cf}\p{Cs}\p{Co}]|\ufeff/gu
// Letters that are drawn as nothing: Hangul fillers and the empty Braille pattern.
const blankLetters = /[\u115f\u1160\u2800\u3164\uffa0]/gu
// A letter may carry two marks (Vietnamese does); a pile of them paints over the lines above and below.
const piledMarks = /(\p{M}{2})\p{M}+/gu

// What is removed may have kept apart what is looked for next, so the order matters.
const visible = (text: string): string =>
  text.replace(invisible, '').replace(blankLetters, '').replace(piledMarks, '$1').replace(/\s+/g, ' ').trim()

/** Cuts at a whole character; those outside the basic plane, emoji for one, are two of JavaScript's long. */
function shorten(text: string, most: number): string {
  if (text.length <= most) return text
  const cut = text.slice(0, most - 1).replace(/\p{Cs}$/u, '')
  return `${cut.trimEnd()}…`
}

const lookAlikes: Record<string, string> = {
  '*': '∗',
  '`': 'ˋ',
  '~': '∼',
  '\\': '∖',
  '<': '‹',
  '>': '›',
  ']': '］',
  '{': '｛',
  $: '＄',
  '#': '＃',
  '-': '‐',
  '+': '＋',
  '.': '․',
  ')': '）',
  '/': '∕',
}
const lookAlike = (characters: string): string =>
  Array.from(characters, (character) => lookAlikes[character] ?? character).join('')

const unlinked = (text: string): string => text.replace(/(?<=:)\/\/|(?<=www)\./gi, lookAlike)

// One character for one, so that what was shortened stays as short, and after shortening, which may end a word.
const inert = (text: string): string =>
  text
    .replace(/[*`~\\<>]/g, lookAlike)
    // Within a word an underscore is only that; connector names are full of them.
    .replace(/(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, '＿')
    .replace(/\](?=[[(:])/g, lookAlike)
    .replace(/[{$](?=\{)/g, lookAlike)
    .replace(/^(?:[#+-]|\d+[.)])/, lookAlike)
