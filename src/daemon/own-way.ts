import { spawnSync } from 'node:child_process'
import { WAY_MARKS, type WayPlan } from '../config/index.js'
import type { Wanted } from './reconciler.js'

const TABLE = '5300'
/** Behind the local table, before all that somebody may have made of the rest. */
const PREFERENCE = '1'
const MARKS = `0x${WAY_MARKS.value.toString(16)}/0x${WAY_MARKS.mask.toString(16)}`
const rule = ['fwmark', MARKS, 'lookup', TABLE]

/** A way as a service of the table. Nobody else has a say in it: while it is not there, a check asks any server. */
export function wantedWay({ key, server }: WayPlan): Wanted {
  const desired = { key, options: { scheduler: 'rr' }, servers: [server] }
  return { name: wayName(server.key.address, key.fwmark), desired, onEdit: 'repair', renewed: false }
}

const wayName = (server: string, mark: number) => `way to ${server} (mark 0x${mark.toString(16)})`

/**
 * Checks by a VIP begin at the loopback, where the program takes them. On a director that does not have the VIP at the
 * moment a rule leads them there. It is made where it is needed and taken away where it is not.
 * @param failed is told what `ip` says
 */
export function routeWays(ways: readonly WayPlan[], failed: (reason: string) => void): void {
  for (const [option, family] of [
    ['-4', 'inet'],
    ['-6', 'inet6'],
  ] as const) {
    const needed = ways.some(({ key }) => key.family === family)
    if (needed === ip(option, 'rule', 'show').stdout.includes(`fwmark ${MARKS} lookup ${TABLE}`)) continue
    const commands = needed
      ? [
          ['route', 'replace', 'local', 'default', 'dev', 'lo', 'table', TABLE],
          ['rule', 'add', 'pref', PREFERENCE, ...rule],
        ]
      : [
          ['rule', 'del', ...rule],
          ['route', 'flush', 'table', TABLE],
        ]
    for (const words of commands) {
      const { status, stderr } = ip(option, ...words)
      if (status !== 0) failed(`ip ${option} ${words.join(' ')}: ${stderr.trim()}`)
    }
  }
}

const ip = (...words: string[]) => spawnSync('ip', words, { encoding: 'utf8' })
