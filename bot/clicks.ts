import { type Click, clickSchema } from '../cards/clicks.js'
import type { Request } from './requests.js'

/** What a button sent, as the request that it stands for; undefined if no button of ours can have sent it. */
export function requestOf(data: unknown): Request | undefined {
  const click = clickSchema.safeParse(data)
  return click.success ? toRequest(click.data) : undefined
}

function toRequest({
  verb,
  incident: code,
  step,
  page = 1,
  batch,
  list,
  reason = '',
  note = '',
}: Click): Request | undefined {
  if (verb === 'page') {
    return batch === undefined ? { verb: 'list', filter: list ?? '', page } : { verb: 'batch', batch, page }
  }
  const incident = Number(code?.slice('CR-'.length))
  switch (verb) {
    case 'acknowledge':
    case 'show':
    case 'refresh':
      return { verb, incident }
    case 'done':
    case 'skip':
      return step && { verb, incident, step, text: note }
    case 'undo':
      return step && { verb, incident, step }
    case 'note':
      return { verb, incident, text: note }
    case 'approve':
    case 'keep':
    case 'reopen':
    case 'retry':
      return { verb, incident, text: reason }
    default:
      return verb satisfies never
  }
}
