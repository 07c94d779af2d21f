import { schedulerFlagsNamed } from '../../ipvs/index.js'
import type { SchedulerFlags, ServerKey, ServerOptions, ServiceKey, ServiceOptions, Tunnel } from '../../ipvs/types.js'
import { type Command, type Lookups, parse, UsageError, wordsOf } from '../../ipvsadm/index.js'
import { ConfigError, type Problem } from '../error.js'
import { formatConfig } from '../format.js'
import { parseConfig } from '../load.js'
import { present } from '../present.js'
import { timeText } from '../schema/fields.js'
import type { ConfigFile } from '../schema/index.js'
import type { Imported, Remark } from './imported.js'
import { serviceName } from './service-name.js'

type Services = NonNullable<ConfigFile['services']>
type Service = Services[string]
type Server = NonNullable<Service['servers']>[number]

/**
 * Reads what `ipvsadm -S` writes (and files for `ipvsadm-restore`) into what sluice.yaml says.
 * @param file its name, for the remarks
 */
export function importRules(file: string, text: string, lookups: Lookups): Imported {
  const reader = new RulesReader(file)
  for (const [i, line] of text.split(/\r?\n/).entries()) reader.line(i + 1, line, lookups)
  return reader.imported()
}

class RulesReader {
  readonly #services: Services = {}
  #timeouts: ConfigFile['timeouts']
  #sync: ConfigFile['sync']
  #syncLine = 0
  readonly #remarks: Remark[] = []

  constructor(readonly file: string) {}

  imported(): Imported {
    if (this.#sync && problemOf({ services: this.#services, sync: this.#sync }) !== undefined) {
      this.#remark(this.#syncLine, '--start-daemon', crossing)
      this.#sync = undefined
    }
    const parts = present({ timeouts: this.#timeouts, sync: this.#sync })
    const services = Object.keys(this.#services).length > 0 ? { services: this.#services } : {}
    return { config: { ...parts, ...services }, remarks: this.#remarks }
  }

  line(number: number, line: string, lookups: Lookups): void {
    if (/^\s*(#|$)/.test(line)) {
      if (/^\s*# sluice mark add /.test(line))
        this.#remark(number, line, 'rules of firewall marks are not in sluice.yaml: give them to sluice rules load')
      return
    }
    const before = this.#sync
    const why = this.#read(line, lookups)
    if (this.#sync !== before) this.#syncLine = number
    if (why !== undefined) this.#remark(number, line, why)
  }

  #remark(line: number, text: string, why: string): void {
    this.#remarks.push({ at: { file: this.file, line }, text: text.trim(), why })
  }

  #read(line: string, lookups: Lookups): string | undefined {
    try {
      return this.#take(parse(wordsOf(line), lookups))
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      const [message = ''] = error.message.split('\n')
      return message === '' || message.startsWith('Try ') ? 'this is no command line of ipvsadm' : message
    }
  }

  /** @returns why not */
  #take(command: Command): string | undefined {
    switch (command.name) {
      case 'add-service':
        return this.#addService(command.service, command.options)
      case 'add-server':
        return this.#addServer(command.service, command.server, command.options)
      case 'set': {
        const { tcp, tcpFin, udp } = command.timeouts
        const time = (seconds: number) => (seconds === 0 ? undefined : timeText(seconds * 1000))
        this.#timeouts = { ...this.#timeouts, ...present({ tcp: time(tcp), tcp_fin: time(tcpFin), udp: time(udp) }) }
        return undefined
      }
      case 'start-daemon': {
        const { interface: device, syncid, maxLength, group, port, ttl } = command.options
        const roles = [...new Set([...(this.#sync?.roles ?? []), command.state])]
        const sync = {
          interface: device,
          roles,
          ...present({ id: syncid, max_length: maxLength, group, port, ttl }),
        }
        const problem = problemOf({ sync })
        if (problem === undefined) this.#sync = sync
        return problem
      }
      default:
        return 'only rules that add something are taken over: -A, -a, --set, --start-daemon'
    }
  }

  #addService(key: ServiceKey, options: ServiceOptions): string | undefined {
    const name = serviceName(key)
    if (this.#services[name]) return 'this service is there already'
    const { scheduler, schedulerFlags, persistence, onePacket, timeouts, localAddresses } = options
    const own = timeouts && present({ tcp: timeouts.tcp, tcp_fin: timeouts.tcpFin, udp: timeouts.udp })
    const what = 'fwmark' in key ? present({ fwmark: key.fwmark, family: familyOf(key) }) : key
    const lasting = persistence && {
      ...present({ timeout: persistence.timeout || undefined, netmask: maskOf(persistence.netmask) }),
      ...(persistence.engine === 'sip' ? { engine: 'sip' as const } : {}),
    }
    const service: Service = {
      ...what,
      scheduler,
      ...present({
        flags: flagsOf(scheduler, schedulerFlags),
        persistence: lasting,
        one_packet: onePacket || undefined,
        timeouts: own && Object.keys(own).length > 0 ? own : undefined,
        local_addresses: localAddresses && [...localAddresses],
      }),
      servers: [],
    }
    const problem = problemOf({ services: { [name]: service } })
    if (problem === undefined) this.#services[name] = service
    return problem
  }

  #addServer(key: ServiceKey, { address, port }: ServerKey, options: ServerOptions): string | undefined {
    const serviceKey = serviceName(key)
    const service = this.#services[serviceKey]
    if (!service) return 'no line before makes this service'
    const { method, weight, upperThreshold, lowerThreshold, tunnel, clientAddress } = options
    const name = ({ masq: 'nat', route: 'dr', tunnel: 'tunnel', fullnat: 'fullnat', local: 'dr' } as const)[method]
    const server: Server = {
      address,
      ...present({
        port: 'port' in key && port === key.port ? undefined : port,
        method: name,
        weight: weight === 1 ? undefined : weight,
        upper_threshold: upperThreshold || undefined,
        lower_threshold: lowerThreshold || undefined,
        tunnel: tunnel && tunnelOf(tunnel),
        client_address: clientAddress,
      }),
    }
    const servers = service.servers as Server[]
    if (servers.some((one) => one.address === address && one.port === server.port))
      return 'this server is there already'
    const problem = problemOf({ services: { [serviceKey]: { ...service, servers: [server] } } })
    if (problem === undefined) servers.push(server)
    return problem
  }
}

const crossing = 'a tunnel leads to another family, which synchronization cannot tell'

/** What the schema has against a part of a configuration. */
function problemOf(part: ConfigFile): string | undefined {
  try {
    parseConfig(formatConfig(part), '')
    return undefined
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return (error.problems[0] as Problem).message
  }
}

const familyOf = ({ family }: { readonly family: 'inet' | 'inet6' }) => (family === 'inet6' ? family : undefined)

/** The whole of an IPv6 address is what ipvsadm takes where nobody says. */
function maskOf(mask: string | undefined): string | number | undefined {
  if (mask === '128') return undefined
  return mask !== undefined && /^\d+$/.test(mask) ? Number(mask) : mask
}

/** IPIP without more goes without saying. */
function tunnelOf({ type, port, checksum }: Tunnel): Server['tunnel'] {
  if (type === 'ipip') return undefined
  return { type, ...present({ port, checksum: checksum === 'none' ? undefined : checksum }) }
}

const flagsOf = (scheduler: string, flags: SchedulerFlags | undefined): Service['flags'] =>
  !flags || flags.size === 0 ? undefined : schedulerFlagsNamed(flags, scheduler)
