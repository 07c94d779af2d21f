import { isIP } from 'node:net'
import { Command, InvalidArgumentError } from 'commander'
import { SluiceError } from '../errors.js'
import { Director, IpvsError, type LocalAddress, type Protocol, type ServiceKey } from '../ipvs/index.js'
import { print, printJson, printTable } from './output.js'

interface Options {
  readonly tcpService?: ServiceKey
  readonly udpService?: ServiceKey
  readonly fwmarkService?: ServiceKey
  readonly json?: boolean
}

const service =
  (protocol: Protocol) =>
  (text: string): ServiceKey => {
    const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? []
    const address = bracketed ?? plain ?? ''
    const port = Number(digits)
    if (isIP(address) === 0 || !(port >= 0 && port <= 65535))
      throw new InvalidArgumentError('Write it like 192.168.10.100:80 or [fd00::1]:80.')
    return { protocol, address, port }
  }

function mark(text: string): ServiceKey {
  if (!/^[1-9]\d{0,9}$/.test(text) || Number(text) > 0xffff_ffff)
    throw new InvalidArgumentError('A number from 1 to 4294967295.')
  return { fwmark: Number(text), family: 'inet' }
}

function address(text: string, previous: string[] = []): string[] {
  if (isIP(text) === 0) throw new InvalidArgumentError('Write it like 192.168.188.81.')
  return [...previous, text]
}

function range(text: string): { low: number; high: number } {
  const [, low, high] = /^(\d{1,5})-(\d{1,5})$/.exec(text) ?? []
  if (low === undefined || high === undefined) throw new SluiceError('SLUICE_BAD_PORTS', { text })
  return { low: Number(low), high: Number(high) }
}

const chosen = ({ tcpService, udpService, fwmarkService }: Options) => tcpService ?? udpService ?? fwmarkService

const withService = (command: Command): Command =>
  command
    .option('-t, --tcp-service <vip:port>', 'the virtual service', service('tcp'))
    .option('-u, --udp-service <vip:port>', 'likewise, of UDP', service('udp'))
    .option('-f, --fwmark-service <mark>', 'likewise, of a firewall mark', mark)

function nameOf(key: ServiceKey): string {
  if ('fwmark' in key) return `FWM ${key.fwmark}`
  const host = key.address.includes(':') ? `[${key.address}]` : key.address
  return `${key.protocol.toUpperCase()} ${host}:${key.port}`
}

/** Runs work on this namespace's table; IPVS's refusals become a line to read. */
function withDirector<T>(work: (director: Director) => T): T {
  const director = Director.open()
  try {
    return work(director)
  } catch (error) {
    if (error instanceof IpvsError && error.errno === 'ESRCH') throw new SluiceError('SLUICE_NO_SERVICE', {})
    throw error
  } finally {
    director.close()
  }
}

function edit(name: 'add' | 'del', description: string): Command {
  return withService(new Command(name))
    .description(description)
    .argument('<address...>', 'addresses of this host', address)
    .action((addresses: string[], options: Options, command: Command) => {
      const key = chosen(options)
      if (!key) return command.error('error: name the virtual service: -t, -u or -f')
      withDirector((director) => {
        if (name === 'add') director.addLocalAddresses(key, addresses)
        else director.deleteLocalAddresses(key, addresses)
      })
    })
}

const row = ({ service, address, connections }: LocalAddress) => [nameOf(service), address, String(connections)]

/** `sluice laddr` */
export const laddrCommand = (): Command => {
  const laddr = new Command('laddr').description(
    'local addresses of full NAT: by which its real servers know the director',
  )
  laddr.addCommand(edit('add', 'give a virtual service local addresses'))
  laddr.addCommand(edit('del', 'take local addresses away; connections that have them go on'))
  laddr.addCommand(
    withService(new Command('list'))
      .description('the local addresses of every service, or of one, and the connections on each')
      .option('--json', 'as JSON')
      .action((options: Options) => {
        const { found, ports } = withDirector((director) => ({
          found: director.localAddresses(chosen(options)),
          ports: director.localPorts(),
        }))
        if (options.json) return printJson({ ports, addresses: found })
        if (found.length > 0) printTable(['SERVICE', 'ADDRESS', 'CONNECTIONS'], found.map(row))
        print(`ports ${ports.low}-${ports.high}`)
      }),
  )
  laddr
    .command('ports')
    .description('the ports that full NAT takes of its local addresses; without a range: print it')
    .argument('[low-high]', 'outside net.ipv4.ip_local_port_range, or of addresses that nothing else uses')
    .action((text: string | undefined) => {
      withDirector((director) => {
        if (text !== undefined) director.setLocalPorts(range(text))
        const { low, high } = director.localPorts()
        print(`${low}-${high}`)
      })
    })
  return laddr
}
