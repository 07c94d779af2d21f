// A process that upgrades the table of its namespace to an object, and dies at a step. Arguments: the object's file, the step.
import { readFileSync } from 'node:fs'
import { upgradeTable } from '../../dist/datapath/index.js'

const [file, last] = process.argv.slice(2)
upgradeTable({
  object: readFileSync(file),
  progress: (step) => {
    if (step === last) process.kill(process.pid, 'SIGKILL')
  },
})
