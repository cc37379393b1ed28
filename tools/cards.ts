import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { gallery } from '../cards/gallery.js'
import { takePictures } from './cards/pictures.js'
import { chromiumPath } from './chromium.js'

// Writes every card's examples to `pictures/`: as JSON for the designer, and as Teams would draw them.

const folder = 'pictures'
const examples = gallery().flatMap(({ kind, examples }) =>
  examples.map(({ name, card }) => ({ name: `${kind.name}-${name}`, card })),
)

rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
for (const { name, card } of examples)
  writeFileSync(`${folder}/${name}.json`, `${JSON.stringify(card, null, 2)}\n`)
console.log(`${examples.length} cards written to ${folder}/ as JSON.`)

if (existsSync(chromiumPath)) {
  const taken = await takePictures(chromiumPath, examples, folder)
  console.log(`${taken} pictures written to ${folder}/, for desktop and phone, light and dark.`)
} else {
  console.log(`No pictures: there is no Chromium at ${chromiumPath}. Set CHROMIUM to where it is.`)
}
