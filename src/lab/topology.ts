import type { Lab } from './lab.js'
import type { Transcript } from './transcript.js'

/** Drives a lab that is up: runs the notes' commands and checks what they print. */
export type Drive = (transcript: Transcript) => Promise<void>

/** One case of the notes. */
export interface Topology {
  readonly name: string
  readonly title: string
  /** Programs that it runs, beside those that every lab needs. */
  readonly programs: readonly string[]
  /** Builds hosts and wires and starts the servers. */
  build(lab: Lab): Promise<Drive>
}
