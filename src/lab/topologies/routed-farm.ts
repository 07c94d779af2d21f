import type { Host } from '../host.js'
import type { Lab } from '../lab.js'
import { nginx } from '../servers.js'
import type { Transcript } from '../transcript.js'

/** The five hosts of the notes' section 4.3. */
export interface RoutedFarm {
  readonly internet: Host
  readonly router: Host
  readonly lvs: Host
  readonly web1: Host
  readonly web2: Host
}

/** The notes' Ethernet addresses, of the devices by which a request and its answer go. */
export const macs = {
  internet: '00:0c:29:0a:06:06',
  routerOutside: '00:0c:29:7c:8e:f5',
  router: '00:0c:29:7c:8e:eb',
  lvs: '00:0c:29:fb:1c:80',
  web1: '00:0c:29:3e:16:52',
  web2: '00:0c:29:94:1a:f6',
} as const

/** Builds section 4.3.1: client, router, and behind the router the director and the real servers in one network. */
export async function buildRoutedFarm(lab: Lab): Promise<RoutedFarm> {
  const internet = await lab.host('internet')
  const router = await lab.host('router', { forwards: true })
  const lvs = await lab.host('lvs', { datapath: 'table' })
  const web1 = await lab.host('web1')
  const web2 = await lab.host('web2')
  await lab.cable(
    { host: internet, device: 'eth0', addresses: ['192.168.10.6/24'], mac: macs.internet },
    { host: router, device: 'eth1', addresses: ['192.168.10.200/24'], mac: macs.routerOutside },
  )
  await lab.switch('lan', [
    { host: router, device: 'eth0', addresses: ['192.168.188.200/24'], mac: macs.router },
    { host: lvs, device: 'eth0', addresses: ['192.168.188.8/24'], mac: macs.lvs },
    { host: web1, device: 'eth0', addresses: ['192.168.188.81/24'], mac: macs.web1 },
    { host: web2, device: 'eth0', addresses: ['192.168.188.82/24'], mac: macs.web2 },
  ])
  await internet.route('default', '192.168.10.200')
  for (const host of [lvs, web1, web2]) await host.route('default', '192.168.188.200')
  for (const web of [web1, web2]) await nginx(web)
  return { internet, router, lvs, web1, web2 }
}

/** The notes' check that the client reaches every host through the router. */
export async function pingThroughRouter(t: Transcript, internet: Host, addresses: readonly string[]): Promise<void> {
  t.heading('The client reaches every host through the router')
  for (const address of addresses) {
    const { output } = await t.run(internet, `ping ${address} -c1`)
    t.match(
      `${address} answers over one router`,
      output,
      /ttl=63 /,
      /1 packets transmitted, 1 received, 0% packet loss/,
    )
  }
}
