// The compiler copies no JSON; what the code reads beside itself has to stand beside the compiled code too.
import { cpSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
for (const folder of ['cards', 'manifest']) {
  cpSync(`${root}${folder}`, `${root}dist/${folder}`, {
    recursive: true,
    filter: (path) => !path.endsWith('.ts'),
  })
}
