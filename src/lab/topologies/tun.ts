import type { Host } from '../host.js'
import type { Lab } from '../lab.js'
import { nginx } from '../servers.js'
import type { Drive, Topology } from '../topology.js'
import type { Transcript } from '../transcript.js'
import { inTurn, listing } from './expectations.js'
import { macs, pingThroughRouter, type RoutedFarm } from './routed-farm.js'

const vip = '192.168.188.100'
const megabytes = 10
const off = 'tso off gso off gro off tx off'

async function build(lab: Lab): Promise<RoutedFarm> {
  const internet = await lab.host('internet')
  const router = await lab.host('router', { forwards: true })
  const lvs = await lab.host('lvs', { datapath: 'table' })
  const web1 = await lab.host('web1', { datapath: 'decapsulation' })
  const web2 = await lab.host('web2', { datapath: 'decapsulation' })
  await lab.cable(
    { host: internet, device: 'eth0', addresses: ['192.168.10.6/24'], mac: macs.internet },
    { host: router, device: 'eth1', addresses: ['192.168.10.200/24'], mac: macs.routerOutside },
  )
  await lab.cable(
    { host: lvs, device: 'eth0', addresses: ['192.168.188.8/24'], mac: macs.lvs },
    { host: router, device: 'eth0', addresses: ['192.168.188.200/24'], mac: macs.router },
  )
  await lab.switch('far', [
    { host: router, device: 'eth2', addresses: ['10.20.0.1/24'], mac: '00:0c:29:7c:8e:ff' },
    { host: web1, device: 'eth0', addresses: ['10.20.0.81/24'], mac: macs.web1 },
    { host: web2, device: 'eth0', addresses: ['10.20.0.82/24'], mac: macs.web2 },
  ])
  await internet.route('default', '192.168.10.200')
  await lvs.route('default', '192.168.188.200')
  for (const web of [web1, web2]) {
    await web.route('default', '10.20.0.1')
    await nginx(web)
  }
  return { internet, router, lvs, web1, web2 }
}

async function start(t: Transcript, { lvs, web1, web2 }: RoutedFarm): Promise<void> {
  t.heading('The real servers: the VIP on lo, and the tunnel unwrapped')
  for (const web of [web1, web2]) {
    const { output } = await t.run(web, `sluice realserver start --tunnel ${vip}`)
    t.match(`${web.name} is ready`, output, /^Decapsulation: /m, /^The RS Server is Ready!$/m)
  }
  t.heading('The director')
  await t.run(lvs, `ip address add ${vip}/32 dev lo`)
  await t.run(lvs, `ipvsadm -A -t ${vip}:80 -s rr`)
  await t.run(lvs, `ipvsadm -a -t ${vip}:80 -r 10.20.0.81 -i`)
  await t.run(lvs, `ipvsadm -a -t ${vip}:80 -r 10.20.0.82 -i`)
  const { output } = await t.run(lvs, 'ipvsadm -Ln')
  t.match(
    'the service is listed with tunneling',
    output,
    listing(
      'TCP  192.168.188.100:80 rr',
      '  -> 10.20.0.81:80                Tunnel  1      0          0',
      '  -> 10.20.0.82:80                Tunnel  1      0          0',
    ),
  )
}

const sumOf = async (host: Host, file: string) => (await host.exec('sha256sum', file)).output.split(' ')[0]

/** Fetches and sends ten megabytes from and to each of the two servers, whose turns follow each other. */
async function transfers(t: Transcript, { internet, web1, web2 }: RoutedFarm, how: string): Promise<void> {
  const original = await sumOf(internet, 'blob')
  for (const turn of [1, 2]) {
    await t.run(internet, `curl -o down${turn} http://${vip}/blob`)
    t.check(
      `${megabytes} MB came down unharmed, ${how}, turn ${turn}`,
      (await sumOf(internet, `down${turn}`)) === original,
    )
  }
  await t.run(internet, `curl -T blob http://${vip}/upload/;curl -T blob http://${vip}/upload/`)
  for (const web of [web1, web2]) {
    t.check(
      `${megabytes} MB went up to ${web.name} unharmed, ${how}`,
      (await sumOf(web, 'www/upload/blob')) === original,
    )
    await web.must('rm', '-f', 'www/upload/blob')
  }
}

async function bulk(t: Transcript, farm: RoutedFarm): Promise<void> {
  const { internet, router, lvs, web1, web2 } = farm
  t.heading(`${megabytes} MB with segmentation offload`)
  await t.run(internet, `head -c ${megabytes}000000 /dev/urandom > blob`)
  for (const web of [web1, web2]) await web.must('cp', internet.path('blob'), 'www/blob')
  await transfers(t, farm, 'with offloads')

  t.heading(`${megabytes} MB in packets of the wire's size, with real checksums`)
  for (const host of [internet, lvs, web1, web2]) await t.run(host, `ethtool -K eth0 ${off} > /dev/null`)
  await t.run(router, `for i in 0 1 2;do ethtool -K eth$i ${off} > /dev/null;done`)
  await transfers(t, farm, 'without offloads')
}

/** Section 3.1.3: the director wraps packets to real servers in another network in IP. */
export const tun: Topology = {
  name: 'tun',
  title: 'tunnel: real servers in another network, IP in IP (notes, 3.1.3)',
  programs: ['nginx', 'curl', 'ping', 'ethtool'],
  async build(lab: Lab): Promise<Drive> {
    const farm = await build(lab)
    return async (t) => {
      await pingThroughRouter(t, farm.internet, ['192.168.188.8', '10.20.0.81', '10.20.0.82'])
      await start(t, farm)
      t.heading('Requests')
      const answers = await t.run(farm.internet, `for i in 1 2 3 4 5 6;do curl ${vip};done`)
      inTurn(t, answers.output, ['web1', 'web2'], 6)
      await bulk(t, farm)
    }
  },
}
