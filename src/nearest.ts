import { distance } from 'fastest-levenshtein'

/**
 * The candidate that `word` was most likely meant to be, or undefined if none is near: at most two letters off,
 * and one for short words.
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const wanted = word.toLowerCase()
  const near = candidates
    .map((candidate) => ({ candidate, off: distance(wanted, candidate.toLowerCase()) }))
    .filter(({ off }) => off <= (wanted.length <= 4 ? 1 : 2))
    .sort((one, other) => one.off - other.off)
  return near[0]?.candidate
}
