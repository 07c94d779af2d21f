import { isFlagOf, schedulerFlagNames, schedulerFlagNumbers, schedulerFlagsNamed } from '../ipvs/scheduler-flags.js'
import type { SchedulerFlags } from '../ipvs/types.js'
import { UsageError } from './usage-error.js'

/** The flags in a list like `sh-fallback,sh-port`. @throws UsageError for an unknown one, and for another scheduler's */
export function schedulerFlagsOf(text: string | undefined, scheduler: string): SchedulerFlags {
  const flags = new Set<1 | 2 | 3>()
  for (const word of (text ?? '').split(',').filter(Boolean)) {
    const name = schedulerFlagNames.find((one) => one === word)
    if (name === undefined) throw new UsageError(`invalid scheduler flag \`${word}'`)
    if (!isFlagOf(scheduler, name)) throw new UsageError(`incompatible scheduler flag \`${word}'`)
    flags.add(schedulerFlagNumbers[name])
  }
  return flags
}

/** The list of a service's flags, as listings and saved rules write it; undefined where there are none. */
export function schedulerFlagsText(flags: SchedulerFlags | undefined, scheduler: string): string | undefined {
  if (!flags || flags.size === 0) return undefined
  const names = schedulerFlagsNamed(flags, scheduler)
  // of schedulers with names of their own, the real one shows no others
  const named = schedulerFlagNames.some((name) => name.startsWith(`${scheduler}-`))
  return names.filter((name) => !named || name.startsWith(`${scheduler}-`)).join(',')
}
