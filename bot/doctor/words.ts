/** So many of something: `1 tenant`, `2 tenants`. */
export const count = (many: number, what: string): string => `${many} ${what}${many === 1 ? '' : 's'}`

const mostNamed = 5

/** Of many names, the first few. */
export const few = (names: readonly string[]): string =>
  names.length <= mostNamed
    ? names.join(', ')
    : `${names.slice(0, mostNamed).join(', ')} and ${names.length - mostNamed} more`
