import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findBpffs } from './bpffs.js'
import { hasNetAdminAndBpf } from './capabilities.js'

/** What the tests of this folder share. */

/** For node:test's `skip`: why a test cannot run here. */
export const needsRoot: string | false = hasNetAdminAndBpf() ? false : 'CAP_NET_ADMIN and CAP_BPF are needed'

/** The object made of testdata/probe.c. */
export const probeObject = fileURLToPath(new URL('../../src/kernel/testdata/probe.bpf.o', import.meta.url))

/** The compiled door, for what other processes run. */
export const door = new URL('./index.js', import.meta.url).href

/** A directory in the BPF file system, gone when `use` is done. */
export async function withPins<T>(use: (directory: string) => T | Promise<T>): Promise<T> {
  const directory = join(findBpffs(), `sluice-kernel-test-${process.pid}`)
  mkdirSync(directory)
  try {
    return await use(directory)
  } finally {
    for (const name of readdirSync(directory)) unlinkSync(join(directory, name))
    rmdirSync(directory)
  }
}

/** Runs a program and gives what it wrote; throws with what it said if it failed. */
export function run(program: string, ...args: string[]): string {
  const ran = spawnSync(program, args, { encoding: 'utf8' })
  if (ran.status !== 0) throw new Error(`${program} ${args.join(' ')}: ${ran.error?.message ?? ran.stderr}`)
  return ran.stdout
}

let namespaces = 0

/** A network namespace with its loopback up, gone when `use` is done. */
export async function withNamespace<T>(use: (name: string) => T | Promise<T>): Promise<T> {
  namespaces += 1
  const name = `slk-${process.pid}-${namespaces}`
  run('ip', 'netns', 'add', name)
  try {
    run('ip', '-n', name, 'link', 'set', 'lo', 'up')
    return await use(name)
  } finally {
    run('ip', 'netns', 'delete', name)
  }
}

/** Arguments that make node run a module's text. */
export function script(source: string): string[] {
  return ['--input-type=module', '--eval', `import * as kernel from ${JSON.stringify(door)}\n${source}`]
}
