import type { Protocol } from '../ipvs/types.js'

/** Names of ports, as `getservbyname` and `getservbyport` know them. */
export interface ServicesDb {
  port(name: string, protocol: Protocol): number | undefined
  name(port: number, protocol: Protocol): string | undefined
}

/**
 * The names in a file of the form of `/etc/services`, which is read when the first name is asked for.
 * @param read the file's text; where it throws, there are no names
 */
export function servicesDb(read: () => string): ServicesDb {
  let tables: { ports: Map<string, number>; names: Map<string, string> } | undefined
  const load = () => {
    const ports = new Map<string, number>()
    const names = new Map<string, string>()
    const add = <K, V>(map: Map<K, V>, key: K, value: V) => map.has(key) || map.set(key, value)
    for (const line of textOf(read).split('\n')) {
      const [name, where, ...aliases] = line.replace(/#.*/, '').trim().split(/\s+/)
      const [, digits, protocol] = /^(\d+)\/(\w+)$/.exec(where ?? '') ?? []
      if (name === undefined || digits === undefined) continue
      const port = Number(digits)
      for (const word of [name, ...aliases]) add(ports, `${word}/${protocol}`, port)
      add(names, `${port}/${protocol}`, name)
    }
    return { ports, names }
  }
  const ask = () => {
    tables ??= load()
    return tables
  }
  return {
    port: (name, protocol) => ask().ports.get(`${name}/${protocol}`),
    name: (port, protocol) => ask().names.get(`${port}/${protocol}`),
  }
}

function textOf(read: () => string): string {
  try {
    return read()
  } catch {
    return ''
  }
}
