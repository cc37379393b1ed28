import { fileURLToPath } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import type { Card } from '../../cards/card.js'
import { chromiumArgs } from '../chromium.js'
import { hostConfig, styleSheet, type Theme } from './host-config.js'
import { markdownToHtml } from './markdown.js'

const widths = { desktop: 720, phone: 360 } as const
const themes: readonly Theme[] = ['light', 'dark']

export interface NamedCard {
  name: string
  card: Card
}

/**
 * Draws each card at both widths and in both themes into PNG files of `folder`.
 * @returns how many pictures were written
 */
export async function takePictures(
  executablePath: string,
  cards: NamedCard[],
  folder: string,
): Promise<number> {
  const browser = await chromium.launch({ executablePath, args: chromiumArgs })
  try {
    let taken = 0
    for (const theme of themes) {
      for (const [device, width] of Object.entries(widths)) {
        const page = await openPage(browser, width, theme)
        for (const { name, card } of cards) {
          await draw(page, card, theme)
          await page.screenshot({ path: `${folder}/${name}.${device}.${theme}.png`, fullPage: true })
          taken += 1
        }
        await page.close()
      }
    }
    return taken
  } finally {
    await browser.close()
  }
}

const renderer = fileURLToPath(new URL('../dist/adaptivecards.min.js', import.meta.resolve('adaptivecards')))

async function openPage(browser: Browser, width: number, theme: Theme): Promise<Page> {
  const page = await browser.newPage({
    viewport: { width, height: 200 },
    deviceScaleFactor: 2,
    locale: 'en-GB',
    timezoneId: 'Europe/Athens',
    offline: true,
  })
  await page.setContent('<body><div id="card"></div></body>')
  await page.addStyleTag({ content: styleSheet(theme) })
  await page.addScriptTag({ path: renderer })
  return page
}

/** What the page needs, as text: it runs in the browser, where nothing of this module exists. */
const drawing = `(card, hostConfig) => {
  const toHtml = ${markdownToHtml.toString()}
  const { AdaptiveCard, HostConfig } = window.AdaptiveCards
  AdaptiveCard.onProcessMarkdown = (text, result) => {
    result.outputHtml = toHtml(text)
    result.didProcess = true
  }
  const drawn = new AdaptiveCard()
  drawn.hostConfig = new HostConfig(hostConfig)
  drawn.parse(card)
  document.getElementById('card').replaceChildren(drawn.render())
}`

async function draw(page: Page, card: Card, theme: Theme): Promise<void> {
  await page.evaluate(`(${drawing})(${JSON.stringify(card)}, ${JSON.stringify(hostConfig(theme))})`)
}
