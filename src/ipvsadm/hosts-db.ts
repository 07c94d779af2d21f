import { canonicalAddress } from './address.js'

/** Names of hosts. A name gives an IPv4 address only, as with ipvsadm. */
export interface HostsDb {
  address(name: string): string | undefined
  /** The names of those of `addresses` that have one. */
  names(addresses: readonly string[]): ReadonlyMap<string, string>
}

/** Runs the C library's resolver. @returns its lines, or undefined when it found nothing, or not within `milliseconds` */
export type Getent = (
  database: 'hosts' | 'ahostsv4',
  keys: readonly string[],
  milliseconds: number,
) => string | undefined

/** The resolver may take this long, milliseconds, for one name of a command line, and for all names of a listing. */
const patience = { address: 10_000, names: 2_000 } as const

/** Addresses given to the resolver at once: what is lost when one of them has no answer in time. */
const batch = 16

/**
 * The hosts of a file of the form of `/etc/hosts`, and whom the C library knows beyond it. A listing asks for all its
 * names together and for {@link patience} at most, so that a name server that does not answer leaves numbers, not a wait.
 * @param read the file's text; where it throws, the file has no hosts
 */
export function hostsDb(read: () => string, getent: Getent, now: () => number = () => performance.now()): HostsDb {
  let file: { addresses: Map<string, string>; names: Map<string, string> } | undefined
  const ask = () => {
    file ??= readHosts(read)
    return file
  }
  return {
    address(name) {
      const known = ask().addresses.get(name.toLowerCase())
      if (known !== undefined) return known
      return getent('ahostsv4', [name], patience.address)?.split(/\s/, 1)[0] || undefined
    },
    names(addresses) {
      const found = new Map<string, string>()
      const unknown: string[] = []
      for (const address of new Set(addresses)) {
        const name = ask().names.get(address)
        if (name === undefined) unknown.push(address)
        else found.set(address, name)
      }
      const end = now() + patience.names
      for (let i = 0; i < unknown.length && now() < end; i += batch) {
        const lines = getent('hosts', unknown.slice(i, i + batch), Math.max(1, Math.ceil(end - now())))
        for (const line of lines?.split('\n') ?? []) {
          const [address, name] = line.split(/\s+/)
          if (address && name) found.set(canonicalAddress(address) ?? address, name)
        }
      }
      return found
    },
  }
}

function readHosts(read: () => string) {
  const addresses = new Map<string, string>()
  const names = new Map<string, string>()
  let text = ''
  try {
    text = read()
  } catch {
    // no file, no hosts
  }
  for (const line of text.split('\n')) {
    const [word = '', ...hosts] = line.replace(/#.*/, '').trim().split(/\s+/)
    const address = canonicalAddress(word)
    const [first] = hosts
    if (address === undefined || first === undefined) continue
    if (!names.has(address)) names.set(address, first)
    if (address.includes(':')) continue
    for (const host of hosts) if (!addresses.has(host.toLowerCase())) addresses.set(host.toLowerCase(), address)
  }
  return { addresses, names }
}
