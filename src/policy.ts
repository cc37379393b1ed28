import type { Clock } from './clock.js'
import type { ApproversNamed } from './health/findings.js'
import { type Rules, type RulesInForce, rulesSchema } from './incident/rules.js'
import type { Log } from './log.js'
import { RoleMap, type RoleMapProblem } from './people/role-map.js'
import type { Store } from './store/store.js'
import { type Reading, WatchedFile } from './watched-file.js'

interface PolicyParts {
  roleMapFile: string
  rulesFile: string
  /** Names of the watched tenants. */
  watched: string[]
  clock: Clock
  log: Log
}

/** What is wrong with the files, and with which tenant's part. */
export type PolicyProblem = RoleMapProblem | { cause: 'rulesBroken' }

type Changed = 'roleMapLoaded' | 'rulesLoaded'

/** What the operators have laid down in files: who may do what, and by which rules. Edits work at once. */
export class Policy {
  #store: Store | undefined

  private constructor(
    private readonly parts: PolicyParts,
    private readonly files: { roleMap: RoleMap; rules: WatchedFile<typeof rulesSchema> },
  ) {}

  /** @throws Fault `fileUnusable` if one of the files exists and cannot be used */
  static async open(parts: PolicyParts): Promise<Policy> {
    const { clock } = parts
    const onChange =
      (type: Changed) =>
      (reading: Reading<unknown>, was: string): Promise<void> =>
        policy.#changed(type, reading, was)
    const roleMap = await RoleMap.open({
      path: parts.roleMapFile,
      watched: parts.watched,
      clock,
      onChange: onChange('roleMapLoaded'),
    })
    const rules = await WatchedFile.open({
      path: parts.rulesFile,
      what: 'rules file',
      setting: 'RULES_FILE',
      schema: rulesSchema,
      clock,
      guarded: true,
      onChange: onChange('rulesLoaded'),
    })
    const policy: Policy = new Policy(parts, { roleMap, rules })
    return policy
  }

  get roleMap(): RoleMap {
    return this.files.roleMap
  }

  async rules(): Promise<RulesInForce> {
    const { value, hash }: Reading<Rules> = await this.files.rules.current()
    return { rules: value, hash }
  }

  /** Which files are in force, and how much the role map names as approvers of each watched tenant. */
  async inForce(): Promise<{
    roleMapHash: string
    approvers: ReadonlyMap<string, ApproversNamed>
    rulesHash: string
  }> {
    const { hash: roleMapHash, approvers } = await this.files.roleMap.inForce()
    const { hash: rulesHash } = await this.rules()
    return { roleMapHash, approvers, rulesHash }
  }

  /** What is wrong with the files. */
  async problems(): Promise<PolicyProblem[]> {
    const rules = await this.files.rules.current()
    const roleMap = await this.files.roleMap.problems()
    return [...roleMap, ...(rules.broken ? [{ cause: 'rulesBroken' } as const] : [])]
  }

  /** From now on every change of a file is part of the record. */
  recordIn(store: Store): void {
    this.#store = store
  }

  async #changed(type: Changed, { hash, broken }: Reading<unknown>, was: string): Promise<void> {
    const { log, clock } = this.parts
    if (broken)
      log.error({ file: type, why: broken.why }, 'an edit broke a file: the last good one stays for now')
    else await this.#store?.record({ type, hash, was }, clock.now())
  }
}
