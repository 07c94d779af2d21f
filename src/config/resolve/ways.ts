import { createHash } from 'node:crypto'
import type { PlannedServer, WayPlan } from '../plan.js'

/** Marks of checks that go by a VIP have these upper bits: 0x53000000 to 0x53ffffff. */
export const WAY_MARKS = { value: 0x53000000, mask: 0xff000000 } as const

/**
 * Which mark leads to which server. A mark follows from what it stands for, so that it is the same in the next
 * configuration, on the other director, and after a restart.
 */
export class Ways {
  readonly #plans = new Map<string, WayPlan>()

  /** @param taken marks that services have */
  constructor(readonly taken: Set<number>) {}

  get plans(): readonly WayPlan[] {
    return [...this.#plans.values()]
  }

  to(family: 'inet' | 'inet6', { key, options: { method, tunnel } }: PlannedServer): WayPlan {
    const text = JSON.stringify([family, key.address, method, method === 'tunnel' ? tunnel : undefined])
    const known = this.#plans.get(text)
    if (known) return known
    let place = createHash('sha256').update(text).digest().readUIntBE(0, 3)
    while (this.taken.has(WAY_MARKS.value + place)) place = (place + 1) & ~WAY_MARKS.mask
    const mark = WAY_MARKS.value + place
    this.taken.add(mark)
    const server = {
      key: { address: key.address, port: 0 },
      options: { method, weight: 1, ...(tunnel ? { tunnel } : {}) },
    }
    const plan = { key: { fwmark: mark, family }, server }
    this.#plans.set(text, plan)
    return plan
  }
}
