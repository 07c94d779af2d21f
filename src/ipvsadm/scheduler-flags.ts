import type { SchedulerFlags } from '../ipvs/types.js'
import { UsageError } from './usage-error.js'

/** The flags' names; sh and mh have names of their own for the first two, and none for the third. */
const namesOf = (scheduler: string): readonly string[] =>
  scheduler === 'sh' || scheduler === 'mh'
    ? [`${scheduler}-fallback`, `${scheduler}-port`]
    : ['flag-1', 'flag-2', 'flag-3']

const numbers: Readonly<Record<string, 1 | 2 | 3>> = {
  'flag-1': 1,
  'flag-2': 2,
  'flag-3': 3,
  'sh-fallback': 1,
  'sh-port': 2,
  'mh-fallback': 1,
  'mh-port': 2,
}

/** The flags in a list like `sh-fallback,sh-port`. @throws UsageError for an unknown one, and for another scheduler's */
export function schedulerFlagsOf(text: string | undefined, scheduler: string): SchedulerFlags {
  const flags = new Set<1 | 2 | 3>()
  for (const name of (text ?? '').split(',').filter(Boolean)) {
    const number = numbers[name]
    if (number === undefined) throw new UsageError(`invalid scheduler flag \`${name}'`)
    if (!name.startsWith('flag-') && !name.startsWith(`${scheduler}-`))
      throw new UsageError(`incompatible scheduler flag \`${name}'`)
    flags.add(number)
  }
  return flags
}

/** The list of a service's flags, as listings and saved rules write it; undefined where there are none. */
export function schedulerFlagsText(flags: SchedulerFlags | undefined, scheduler: string): string | undefined {
  if (!flags || flags.size === 0) return undefined
  const names = namesOf(scheduler)
  return ([1, 2, 3] as const).flatMap((flag) => (flags.has(flag) ? (names[flag - 1] ?? []) : [])).join(',')
}
