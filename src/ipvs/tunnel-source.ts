import { parseAddress } from './address.js'

/**
 * The source address that this host's routes give a packet to `server`: the outer source of tunnels on kernels whose
 * BPF route lookup does not tell it (before 6.7): 16 bytes, of IPv4 the first four. All zeros where there is no route yet.
 */
export function tunnelSource(server: string): Uint8Array {
  // most commands run no process: what they do not need they do not load
  const { spawnSync } = process.getBuiltinModule('node:child_process')
  const got = spawnSync('ip', ['-json', 'route', 'get', server], { encoding: 'utf8' })
  if (got.status !== 0) return new Uint8Array(16)
  const [route] = JSON.parse(got.stdout) as { prefsrc?: string }[]
  const source = new Uint8Array(16)
  if (route?.prefsrc) source.set(parseAddress(route.prefsrc))
  return source
}
