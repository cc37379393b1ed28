// `npm run package`: writes connector-warden.zip, ready to upload to Teams. See package-settings for options.
import { readFile, writeFile } from 'node:fs/promises'
import { z } from 'zod'
import { commands } from '../bot/commands.js'
import { en } from '../cards/texts/en.js'
import { fillManifest } from '../manifest/fill.js'
import { explain } from '../src/errors.js'
import { appPackage } from './app-package.js'
import { schemaComplaints } from './manifest-schema.js'
import { packageSettings } from './package-settings.js'

const packageForm = z.object({ version: z.string() })

const target = 'connector-warden.zip'

const suggested = commands
  .filter((command) => command.suggested)
  .map(({ name }) => ({ name, ...en.commands[name] }))

const dotEnv = () =>
  readFile('.env', 'utf8').catch((problem: NodeJS.ErrnoException) => {
    if (problem.code === 'ENOENT') return ''
    throw problem
  })

async function writePackage(): Promise<void> {
  const settings = packageSettings({ args: process.argv.slice(2), env: process.env, dotEnv: await dotEnv() })
  const { version } = packageForm.parse(JSON.parse(await readFile('package.json', 'utf8')))
  const template = await readFile('manifest/manifest.json', 'utf8')
  const manifest = fillManifest(template, { ...settings, version }, suggested)
  const icons = {
    'color.png': await readFile('manifest/color.png'),
    'outline.png': await readFile('manifest/outline.png'),
  }
  await writeFile(target, await appPackage({ manifest, icons }, schemaComplaints))
  console.log(`${target} is written: version ${version}, bot ${settings.botId}, about page ${settings.website}
Upload it in the Teams admin center (Teams apps, Manage apps) or, where that is allowed, in Teams itself.`)
}

await writePackage().catch((problem: unknown) => {
  console.error(explain(problem))
  process.exitCode = 1
})
