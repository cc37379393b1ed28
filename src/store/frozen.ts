/**
 * Freezes a value and everything in it that is not frozen yet, so that it can be handed out without a copy:
 * a caller that writes to it gets a TypeError instead of changing the store. Costs only what is new.
 */
export function frozen<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const part of Object.values(value)) frozen(part)
  return Object.freeze(value)
}
