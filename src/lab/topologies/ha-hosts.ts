import { writeFileSync } from 'node:fs'
import type { Daemon, Host } from '../host.js'
import type { Lab } from '../lab.js'
import { namespaceInode } from '../namespace.js'
import { processesInNamespace } from '../process.js'
import { nginx, redis } from '../servers.js'

/** A director with its daemon, which a test kills and starts again. */
export interface Director {
  readonly host: Host
  daemon: Daemon | undefined
}

/** Two directors that share two addresses: the VIP in front, and the real servers' gateway behind. */
export interface HaFarm {
  readonly internet: Host
  readonly router: Host
  readonly one: Director
  readonly two: Director
  readonly webs: readonly [Host, Host, Host]
  readonly sorry: Host
  /** The switches, whose ports bear their hosts' names. */
  readonly front: Host
  readonly back: Host
}

export const vip = '192.168.10.100'
export const gateway = '192.168.188.81'
export const rips = ['192.168.188.82', '192.168.188.83', '192.168.188.84'] as const
export const sorryAddress = '192.168.188.90'

/** Of the VRRP adverts, ms. */
export const ADVERT = 100

/** Of lvs1's eth1. */
export const MAC = '00:0c:29:3e:16:5c'

/** What both directors say alike, but for their priority. */
function configuration(priority: number): string {
  const servers = rips.map((address) => `      - address: ${address}`).join('\n')
  return `# sluice.yaml of a director with priority ${priority}
daemon: {on_stop: remove}

defaults:
  method: nat
  check: {interval: 300ms, timeout: 1s, rise: 2, fall: 2}

services:
  web:
    address: ${vip}
    port: 80
    scheduler: rr
    checks: [{kind: http, path: /}]
    sorry_server: {address: ${sorryAddress}}
    servers:
${servers}
  redis:
    address: ${vip}
    port: 6379
    scheduler: wlc
    checks: [{kind: redis}]
    servers:
${servers}

vrrp:
  instances:
    front:
      interface: eth1
      vrid: 51
      version: 3
      priority: ${priority}
      advert_interval: ${ADVERT}ms
      preempt_delay: 3s # until it has been told the connections that there are
      addresses: [${vip}/24]
    back:
      interface: eth0
      vrid: 52
      version: 3
      priority: ${priority}
      advert_interval: ${ADVERT}ms
      preempt_delay: 3s # until it has been told the connections that there are
      addresses: [${gateway}/24]
  groups:
    director: {instances: [front, back]}

sync: {interface: eth0, id: 1}
`
}

/** Starts the daemon of a director and waits until it takes orders. */
export async function startDaemon(director: Director): Promise<void> {
  const { host } = director
  const daemon = await host.start('sluiced', 'sluiced', '--foreground', '--config', host.path('sluice.yaml'))
  await daemon.until(async () => (await host.exec('sluice', 'health', '--json')).status === 0, 30)
  director.daemon = daemon
}

async function director(lab: Lab, name: string, priority: number): Promise<Director> {
  const host = await lab.host(name, { datapath: 'table', forwards: true })
  writeFileSync(host.path('sluice.yaml'), configuration(priority))
  return { host, daemon: undefined }
}

/** Builds the hosts and starts the servers; the daemons are not running yet. */
export async function buildHaFarm(lab: Lab): Promise<{ farm: HaFarm; webServers: Map<Host, Daemon> }> {
  const internet = await lab.host('internet')
  const router = await lab.host('router', { forwards: true })
  const one = await director(lab, 'lvs1', 150)
  const two = await director(lab, 'lvs2', 100)
  const webs = [await lab.host('web1'), await lab.host('web2'), await lab.host('web3')] as const
  const sorry = await lab.host('sorry')
  await lab.cable(
    { host: internet, device: 'eth0', addresses: ['192.168.20.6/24'], mac: '00:0c:29:0a:06:06' },
    { host: router, device: 'eth1', addresses: ['192.168.20.1/24'], mac: '00:0c:29:7c:8e:f5' },
  )
  const front = await lab.switch('front', [
    { host: router, device: 'eth0', addresses: ['192.168.10.1/24'], mac: '00:0c:29:7c:8e:eb' },
    { host: one.host, device: 'eth1', addresses: ['192.168.10.11/24'], mac: MAC },
    { host: two.host, device: 'eth1', addresses: ['192.168.10.12/24'], mac: '00:0c:29:3e:17:5c' },
  ])
  const back = await lab.switch('back', [
    { host: one.host, device: 'eth0', addresses: ['192.168.188.11/24'], mac: '00:0c:29:3e:16:52' },
    { host: two.host, device: 'eth0', addresses: ['192.168.188.12/24'], mac: '00:0c:29:3e:17:52' },
    ...webs.map((host, i) => ({
      host,
      device: 'eth0',
      addresses: [`${rips[i]}/24`],
      mac: `00:0c:29:94:1${'abc'[i]}:f6`,
    })),
    { host: sorry, device: 'eth0', addresses: [`${sorryAddress}/24`], mac: '00:0c:29:94:1d:f6' },
  ])
  await internet.route('default', '192.168.20.1')
  for (const { host } of [one, two]) await host.route('default', '192.168.10.1')
  for (const host of [...webs, sorry]) await host.route('default', gateway)
  const webServers = new Map<Host, Daemon>()
  for (const host of [...webs, sorry]) webServers.set(host, await nginx(host))
  for (const host of webs) await redis(host)
  return { farm: { internet, router, one, two, webs, sorry, front, back }, webServers }
}

/** The wires of a machine, from the switches' side: without power it has none. */
async function power(farm: HaFarm, { host }: Director, state: 'up' | 'down'): Promise<void> {
  for (const network of [farm.front, farm.back]) await network.ip('link', 'set', host.name, state)
}

/** The machine dies: from one moment to the next it has no wires, and nothing runs on it. */
export async function die(farm: HaFarm, director: Director): Promise<void> {
  const { host, daemon } = director
  await Promise.all([daemon?.kill(), power(farm, director, 'down')])
  for (const { pid } of processesInNamespace(namespaceInode(host.namespace))) process.kill(pid, 'SIGKILL')
  director.daemon = undefined
}

/**
 * It boots: what was in its kernel is lost, the table and the addresses that wander.
 * @param start what begins then
 */
export async function boot(farm: HaFarm, director: Director, start = startDaemon): Promise<void> {
  const { host } = director
  await host.shell(`ip address del ${vip}/24 dev eth1; ip address del ${gateway}/24 dev eth0; sluice detach --flush`)
  await power(farm, director, 'up')
  await start(director)
}
