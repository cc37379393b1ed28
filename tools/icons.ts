// Draws the app's icons from their SVG sources: after changing one, `npm run build && node dist/tools/icons.js`,
// and commit the PNG files. Needs Chromium; CHROMIUM names another than Debian's.
import { readFile } from 'node:fs/promises'
import { chromium } from 'playwright-core'
import { chromiumArgs, chromiumPath } from './chromium.js'

const icons = [
  { name: 'color', side: 192 },
  { name: 'outline', side: 32 },
]

const browser = await chromium.launch({
  executablePath: chromiumPath,
  args: chromiumArgs,
})
for (const { name, side } of icons) {
  const page = await browser.newPage({ viewport: { width: side, height: side } })
  const svg = await readFile(`manifest/${name}.svg`, 'utf8')
  await page.setContent(`<style>body { margin: 0 } svg { display: block }</style>${svg}`)
  await page.screenshot({ path: `manifest/${name}.png`, omitBackground: true })
}
await browser.close()
