import type { SchedulerFlags } from '../ipvs/types.js'
import { UsageError } from './usage-error.js'

/** The flags' names; sh and mh have names of their own for the first two. */
const names = (scheduler: string): readonly [string, string, string] =>
  scheduler === 'sh' || scheduler === 'mh'
    ? [`${scheduler}-fallback`, `${scheduler}-port`, 'flag-3']
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

/** The list of a service's flags, as listings and saved rules write it; empty for none. */
export function schedulerFlagsText(flags: SchedulerFlags | undefined, scheduler: string): string {
  const [first, second, third] = names(scheduler)
  return [flags?.has(1) ? first : '', flags?.has(2) ? second : '', flags?.has(3) ? third : ''].filter(Boolean).join(',')
}
