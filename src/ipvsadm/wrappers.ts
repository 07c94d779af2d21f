import type { Io } from './io.js'
import { runIpvsadm } from './run.js'

/** `ipvsadm-save [-n] [--thresholds]`: the rules on standard output. @returns the exit status */
export function runSave(words: readonly string[], io: Io): number {
  const options = ['-n', '--thresholds'].filter((option) => words.includes(option))
  if (words.some((word) => word.startsWith('-') && !options.includes(word))) {
    io.stderr('ipvsadm-save: Script to save the IPVS table to stdout.\n')
    io.stderr('   With the -n option, prints out the table in numeric format.\n')
    return 1
  }
  return runIpvsadm(['-S', ...options], io)
}

/** `ipvsadm-restore`: the table emptied, then filled by the rules on standard input, lines that begin with `#` apart. */
export function runRestore(io: Io): number {
  const lines: string[] = []
  for (let line = io.readLine(); line !== undefined; line = io.readLine()) if (!line.startsWith('#')) lines.push(line)
  runIpvsadm(['-C'], io)
  return runIpvsadm(['-R'], { ...io, readLine: () => lines.shift(), hasLine: () => lines.length > 0 })
}
