import { createRequire } from 'node:module'

/** The part of adaptivecards-templating that is used here. */
interface Templating {
  Template: new (
    payload: unknown,
  ) => {
    /** Fills in `${...}` and repeats what has `$data`; a value that is missing stays as its binding, silently. */
    expand(context: { $root: object }): Record<string, unknown>
  }
}

// Required instead of imported: the declarations that the package ships lead the compiler into the sources of
// another package, which do not compile under our settings.
export const { Template }: Templating = createRequire(import.meta.url)('adaptivecards-templating')
