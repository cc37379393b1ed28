import { z } from 'zod'

// Compares the bindings of a card's template with the schema of its view. The template engine cannot be asked:
// it leaves a misspelt binding on the card as it stands and drops an element whose `$when` is no boolean.

interface Schema {
  type?: string
  properties?: Record<string, Schema>
  items?: Schema
  anyOf?: Schema[]
  oneOf?: Schema[]
}

/** Where `$data` of a template element stands: a part of the schema, and its path for messages and for counting. */
interface Scope {
  schema: Schema
  path: string
}

/**
 * Everything that does not fit between a template and its view: bindings that lead nowhere, keys of the view that
 * nothing shows, `$when` that is not boolean, `$data` that is no array. Empty if all is well.
 */
export function bindingProblems(template: unknown, view: z.ZodType): string[] {
  const schema = z.toJSONSchema(view, { io: 'input' }) as Schema
  const check = new BindingCheck()
  check.element(template, { schema, path: '' }, '$')
  return [
    ...check.problems,
    ...check.unused({ schema, path: '' }).map((path) => `the view's ${path} is shown nowhere`),
  ]
}

class BindingCheck {
  readonly problems: string[] = []
  readonly #used = new Set<string>()

  element(node: unknown, scope: Scope, at: string): void {
    if (typeof node === 'string') this.#text(node, scope, at)
    else if (Array.isArray(node))
      for (const [index, item] of node.entries()) this.element(item, scope, `${at}[${index}]`)
    else if (typeof node === 'object' && node !== null) this.#object(node, scope, at)
  }

  #object(node: object, outer: Scope, at: string): void {
    const { $data, $when, ...rest } = node as Record<string, unknown>
    const scope = $data === undefined ? outer : this.#repeated($data, outer, at)
    if (!scope) return
    if ($when !== undefined) this.#condition($when, scope, `${at}.$when`)
    for (const [key, value] of Object.entries(rest)) this.element(value, scope, `${at}.${key}`)
  }

  #repeated(binding: unknown, scope: Scope, at: string): Scope | undefined {
    const found = this.#whole(binding, scope, `${at}.$data`)
    if (!found) return undefined
    if (found.schema.type === 'array' && found.schema.items)
      return { schema: found.schema.items, path: `${found.path}[]` }
    this.problems.push(`${at}.$data: ${String(binding)} is not an array`)
    return undefined
  }

  #condition(binding: unknown, scope: Scope, at: string): void {
    const found = this.#whole(binding, scope, at)
    if (!found) return
    this.#used.add(found.path)
    if (found.schema.type !== 'boolean') this.problems.push(`${at}: ${String(binding)} is not boolean`)
  }

  #whole(binding: unknown, scope: Scope, at: string): Scope | undefined {
    const path = /^\$\{([^{}]+)\}$/.exec(String(binding))?.[1]
    if (path) return this.#find(path, scope, at)
    this.problems.push(`${at}: ${String(binding)} is not one whole binding`)
    return undefined
  }

  #text(text: string, scope: Scope, at: string): void {
    const bindings = [...text.matchAll(/\$\{([^{}]*)\}/g)]
    if (bindings.length !== text.split('${').length - 1)
      this.problems.push(`${at}: a binding in ${text} does not end`)
    for (const [binding, path = ''] of bindings) {
      const found = this.#find(path, scope, at)
      if (!found) continue
      this.#used.add(found.path)
      const mixed = binding !== text
      if (mixed && found.schema.type !== 'string') this.problems.push(`${at}: ${binding} is not a string`)
    }
  }

  #find(path: string, scope: Scope, at: string): Scope | undefined {
    if (path === '$data') return scope
    let found: Scope = scope
    for (const key of path.split('.')) {
      const next = found.schema.properties?.[key]
      if (!next) {
        this.problems.push(`${at}: \${${path}} is not in the view`)
        return undefined
      }
      found = { schema: next, path: found.path ? `${found.path}.${key}` : key }
    }
    return found
  }

  /** What of the view no binding shows; a binding of a whole part shows all of it. */
  unused({ schema, path }: Scope): string[] {
    if (path !== '' && this.#used.has(path)) return []
    if (schema.properties)
      return Object.entries(schema.properties).flatMap(([key, inner]) =>
        this.unused({ schema: inner, path: path ? `${path}.${key}` : key }),
      )
    if (schema.items) return this.unused({ schema: schema.items, path: `${path}[]` })
    return [path]
  }
}
