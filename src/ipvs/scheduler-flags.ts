import type { SchedulerFlags } from './types.js'

/** Every scheduler flag by name: each scheduler has three, and sh and mh have names for the first two of theirs. */
export const schedulerFlagNumbers = {
  'flag-1': 1,
  'flag-2': 2,
  'flag-3': 3,
  'sh-fallback': 1,
  'sh-port': 2,
  'mh-fallback': 1,
  'mh-port': 2,
} as const satisfies Record<string, 1 | 2 | 3>

export type SchedulerFlagName = keyof typeof schedulerFlagNumbers

export const schedulerFlagNames = Object.keys(schedulerFlagNumbers) as [SchedulerFlagName, ...SchedulerFlagName[]]

/** Is it a flag by number, which every scheduler has, or this scheduler's own? */
export const isFlagOf = (scheduler: string, name: SchedulerFlagName): boolean =>
  name.startsWith('flag-') || name.startsWith(`${scheduler}-`)

/** The flags' names in the order of their numbers: the scheduler's own ones where it has them. */
export const schedulerFlagsNamed = (flags: SchedulerFlags, scheduler: string): SchedulerFlagName[] =>
  ([1, 2, 3] as const)
    .filter((flag) => flags.has(flag))
    .map((flag): SchedulerFlagName => {
      const own = (name: SchedulerFlagName) => name.startsWith(`${scheduler}-`) && schedulerFlagNumbers[name] === flag
      return schedulerFlagNames.find(own) ?? `flag-${flag}`
    })
