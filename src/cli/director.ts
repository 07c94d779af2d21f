import { isIP } from 'node:net'
import { Command, InvalidArgumentError, Option } from 'commander'
import type { AddressKey, ForwardingMethod } from '../ipvs/types.js'
import { startDirector, stopDirector } from '../realserver/index.js'
import { print } from './output.js'

interface Endpoint {
  readonly address: string
  readonly port: number | undefined
}

/** `192.168.10.100:80`, `[fd00::1]:80`, or an address alone. */
function endpoint(text: string): Endpoint {
  if (isIP(text) !== 0) return { address: text, port: undefined }
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? []
  const address = bracketed ?? plain ?? ''
  const port = Number(digits)
  if (isIP(address) === 0 || !(port >= 1 && port <= 65535)) {
    throw new InvalidArgumentError('Write it like 192.168.10.100:80 or [fd00::1]:80.')
  }
  return { address, port }
}

function service(text: string): Endpoint & { port: number } {
  const { address, port } = endpoint(text)
  if (port === undefined) throw new InvalidArgumentError('The port is missing: write it like 192.168.10.100:80.')
  return { address, port }
}

const servers = (text: string, previous: Endpoint[] = []): Endpoint[] => [...previous, endpoint(text)]

function weight(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65535) throw new InvalidArgumentError('A number from 0 to 65535.')
  return Number(text)
}

interface StartOptions {
  readonly scheduler: string
  readonly realServer: Endpoint[]
  readonly weight: number
  readonly udp?: boolean
  readonly ipip?: boolean
  readonly masquerading?: boolean
}

const key = ({ address, port }: Endpoint & { port: number }, udp = false): AddressKey => ({
  protocol: udp ? 'udp' : 'tcp',
  address,
  port,
})

const method = ({ ipip, masquerading }: StartOptions): ForwardingMethod =>
  masquerading ? 'masq' : ipip ? 'tunnel' : 'route'

/** `sluice director`: what the notes' lvs_dr_vs.sh does. */
export const directorCommand = (): Command => {
  const director = new Command('director').description('make this host the director of a virtual service')
  director
    .command('start')
    .description('put the VIP on lo and add the service with its real servers')
    .argument('<vip:port>', 'the virtual service', service)
    .option('-s, --scheduler <name>', 'as ipvsadm -s', 'wrr')
    .requiredOption('-r, --real-server <address[:port]>', 'a real server (repeatable)', servers)
    .option('-w, --weight <number>', 'weight of every real server', weight, 1)
    .option('-u, --udp', 'UDP in place of TCP')
    .addOption(new Option('-g, --gatewaying', 'direct routing (default)').conflicts(['ipip', 'masquerading']))
    .addOption(new Option('-i, --ipip', 'tunnel').conflicts(['gatewaying', 'masquerading']))
    .addOption(new Option('-m, --masquerading', 'NAT').conflicts(['gatewaying', 'ipip']))
    .action((at: Endpoint & { port: number }, options: StartOptions) => {
      startDirector({
        key: key(at, options.udp),
        scheduler: options.scheduler,
        method: method(options),
        weight: options.weight,
        servers: options.realServer.map(({ address, port = at.port }) => ({ address, port })),
      })
      print('The VS Server is Ready!')
    })
  director
    .command('stop')
    .description('undo start, for one service or for all; what others have added stays')
    .argument('[vip:port]', 'the virtual service', service)
    .option('-u, --udp', 'UDP in place of TCP')
    .action((at: (Endpoint & { port: number }) | undefined, { udp }: { udp?: boolean }) => {
      for (const note of stopDirector(at && key(at, udp))) process.stderr.write(`${note}\n`)
      print('The VS Server is Canceled!')
    })
  return director
}
