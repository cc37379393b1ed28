/** What the file system says of a file, links followed. */
interface Rights {
  mode: number
  uid: number
}

const othersMayWrite = 0o022
const everybodyMayRead = 0o004

/**
 * Why a file that decides who may do what cannot be trusted, with the command that helps; undefined if it can be:
 * it has to be ours, or root's, and nobody else's to write. Windows has no such rights.
 */
export function unsafe(path: string, { mode, uid }: Rights): string | undefined {
  if (process.platform === 'win32') return undefined
  if ((mode & othersMayWrite) !== 0) return `Others may write to it. Take that right away: chmod go-w ${path}`
  const own = process.getuid?.()
  if (own !== undefined && uid !== own && uid !== 0)
    return 'It belongs to another user than the one this program runs as.'
  return undefined
}

/**
 * Why a file with a secret in it cannot be trusted. Its group may read it: Kubernetes mounts secrets in that way
 * for whoever does not run as root.
 */
export function exposed(path: string, rights: Rights): string | undefined {
  const isReadable = process.platform !== 'win32' && (rights.mode & everybodyMayRead) !== 0
  if (isReadable) return `Everybody may read it. Take that right away: chmod o-r ${path}`
  return unsafe(path, rights)
}
