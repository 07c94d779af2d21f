import { parseIPv4 } from './address.js'

/**
 * The source address that this host's routes give a packet to `server`: the outer source of tunnels on kernels whose
 * BPF route lookup does not tell it (before 6.7). All zeros where there is no route yet.
 */
export function tunnelSource(server: string): Uint8Array {
  // most commands run no process: what they do not need they do not load
  const { spawnSync } = process.getBuiltinModule('node:child_process')
  const got = spawnSync('ip', ['-json', 'route', 'get', server], { encoding: 'utf8' })
  if (got.status !== 0) return new Uint8Array(4)
  const [route] = JSON.parse(got.stdout) as { prefsrc?: string }[]
  return route?.prefsrc ? parseIPv4(route.prefsrc) : new Uint8Array(4)
}
