import { processIo } from './process-io.js'
import { runIpvsadm } from './run.js'
import { runRestore, runSave } from './wrappers.js'

/** The three commands as processes; what is in `bin/` calls this. @returns the exit status */
export function main(program: 'ipvsadm' | 'ipvsadm-save' | 'ipvsadm-restore'): number {
  const words = process.argv.slice(2)
  const io = processIo()
  if (program === 'ipvsadm-save') return runSave(words, io)
  return program === 'ipvsadm-restore' ? runRestore(io) : runIpvsadm(words, io)
}
