import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium, type Locator, type Page } from 'playwright-core'
import { bot } from '../../demo/playground-config.js'
import { chromiumArgs, chromiumPath } from '../../tools/chromium.js'

/** Window sizes that pictures are taken in: a laptop, and a narrow phone. */
export const windows = {
  desktop: { width: 1280, height: 900 },
  phone: { width: 390, height: 844 },
}

// The page has no view for phones and gives every card the same 450 pixels.
const phoneStyle = `
  [data-phone] { position: fixed; inset: 0 0 auto; z-index: 9999; margin: 0; box-shadow: 0 0 0 100vmax white }
  [data-phone] :is(.ac-adaptiveCard, :has(.ac-adaptiveCard)) { width: auto !important; max-width: 100% !important; min-width: 0 !important }
`
const pageBar = 80

/**
 * The Playground's page in a real browser, spoken to in the words of the person in front of it. Everything
 * waits until it can be done, at most `patienceMs`, and rejects with what it was looking for.
 */
export class PlaygroundPage {
  private constructor(
    private readonly browser: BrowserContext,
    private readonly page: Page,
    private readonly profile: string,
  ) {}

  /** Opens the page in a browser with an empty profile that can reach nothing but 127.0.0.1. */
  static async open(url: string, patienceMs = 15_000): Promise<PlaygroundPage> {
    const profile = await mkdtemp(join(tmpdir(), 'warden-browser-'))
    const browser = await chromium.launchPersistentContext(profile, {
      executablePath: chromiumPath,
      args: chromiumArgs,
      viewport: windows.desktop,
    })
    browser.setDefaultTimeout(patienceMs)
    // The page asks a CDN for its fonts.
    await browser.route(
      ({ hostname }) => hostname !== '127.0.0.1',
      (route) => route.abort(),
    )
    const page = browser.pages()[0] ?? (await browser.newPage())
    await page.goto(url)
    await page.addStyleTag({ content: phoneStyle })
    return new PlaygroundPage(browser, page, profile)
  }

  /** Opens a channel or chat by its name. The first time after loading, the Playground installs the bot there. */
  async openConversation(name: string): Promise<void> {
    await this.page.getByRole('treeitem', { name }).click()
  }

  /**
   * The card that shows `text`, once there is one; of several the newest. What is returned is looked up again
   * at each use, so `text` has to be something that stays when the card is edited, such as its `CR-42`.
   */
  async card(text: string | RegExp): Promise<Locator> {
    const card = this.page.locator('.ac-adaptiveCard').filter({ hasText: text }).first()
    await card.waitFor()
    return card
  }

  /** Presses the card's button with this label. */
  async press(card: Locator, label: string): Promise<void> {
    await card.getByRole('button', { name: label, exact: true }).first().click()
  }

  /**
   * Types into the card's input with this label. Key by key: the page takes no notice of a value that is
   * set at once, and would send the card without it.
   */
  async fill(card: Locator, label: string, text: string): Promise<void> {
    const input = card.getByLabel(label, { exact: true }).first()
    await input.click()
    await input.press('ControlOrMeta+a')
    await input.pressSequentially(text)
  }

  /** Picks an entry of the card's drop-down list with this label. */
  async choose(card: Locator, label: string, entry: string): Promise<void> {
    await card.getByLabel(label, { exact: true }).first().click()
    await this.page.getByRole('option', { name: entry, exact: true }).click()
  }

  /** Starts a new post in the open channel that mentions the bot. */
  async post(text: string): Promise<void> {
    await this.mention(this.page.getByRole('textbox').first(), text)
    await this.page.getByRole('button', { name: 'Post', exact: true }).click()
  }

  /** Answers in the thread below a card, mentioning the bot. */
  async reply(card: Locator, text: string): Promise<void> {
    const thread = this.thread(card)
    await this.mention(thread.getByRole('textbox').last(), text)
    await thread.getByRole('button', { name: 'Send Message' }).click()
  }

  /** Writes in the open personal chat, where no mention is needed. */
  async say(text: string): Promise<void> {
    const box = this.page.getByRole('textbox').last()
    await box.click()
    await box.pressSequentially(text)
    await this.page.getByRole('button', { name: 'Send Message' }).last().click()
  }

  /** Waits until the text can be read in the conversation, and answers with where. */
  async sees(text: string | RegExp): Promise<Locator> {
    const place = this.page.getByText(text).first()
    await place.waitFor()
    return place
  }

  /** The card's whole thread: the post, what the bot answered privately, and the replies. */
  thread(card: Locator): Locator {
    return this.page.getByRole('group').filter({ has: card })
  }

  /**
   * Takes pictures of a card and its thread in each of the window sizes, `<folder>/<name>-desktop.png` and
   * `-phone.png`. A window is made taller where the thread would not fit. On the phone the thread fills the
   * window, so that the card gets about the width it has there.
   */
  async takePictures(card: Locator, folder: string, name: string): Promise<void> {
    const thread = this.thread(card)
    await mkdir(folder, { recursive: true })
    await this.takePicture(thread, windows.desktop, join(folder, `${name}-desktop.png`))
    await thread.evaluate((element) => element.toggleAttribute('data-phone', true))
    await this.takePicture(thread, windows.phone, join(folder, `${name}-phone.png`))
    await thread.evaluate((element) => element.toggleAttribute('data-phone', false))
    await this.page.setViewportSize(windows.desktop)
  }

  private async takePicture(thread: Locator, window: typeof windows.desktop, path: string): Promise<void> {
    await this.page.setViewportSize(window)
    const needed = await thread.evaluate((element) => element.scrollHeight)
    await this.page.setViewportSize({ ...window, height: Math.max(window.height, needed + pageBar) })
    await thread.evaluate((element) => element.scrollIntoView({ block: 'end' }))
    await this.page.screenshot({ path, animations: 'disabled', caret: 'hide' })
  }

  async close(): Promise<void> {
    await this.browser.close()
    await rm(this.profile, { recursive: true, force: true })
  }

  private async mention(box: Locator, text: string): Promise<void> {
    await box.click()
    await box.press('@')
    await this.page.getByRole('menuitem', { name: bot.name }).click()
    await box.pressSequentially(` ${text}`)
  }
}
