import { readFileSync } from 'node:fs'

/** A process that can be told from any other one, though numbers are given again. */
export interface ProcessId {
  readonly pid: number
  /** Ticks after the machine's start at which it began. */
  readonly started: number
}

/** @returns undefined where there is no such process, or it has ended and nobody has asked for its status yet */
export function processId(pid: number): ProcessId | undefined {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    return undefined
  }
  // the second field is the program's name, in brackets, and may hold anything
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : { pid, started: Number(fields[19]) }
}

export const isRunning = ({ pid, started }: ProcessId): boolean => processId(pid)?.started === started
