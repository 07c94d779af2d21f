import { Capture, frames } from '../capture.js'
import type { Lab } from '../lab.js'
import type { Drive, Topology } from '../topology.js'
import type { Transcript } from '../transcript.js'
import { inTurn, listing } from './expectations.js'
import { buildRoutedFarm, macs, pingThroughRouter, type RoutedFarm } from './routed-farm.js'

const vip = '192.168.188.100'

async function realServers(t: Transcript, { web1, web2 }: RoutedFarm): Promise<void> {
  t.heading('The real servers: the VIP on lo, and ARP silent about it')
  for (const web of [web1, web2]) {
    const { output } = await t.run(web, `sluice realserver start ${vip}`)
    t.match(`${web.name} is ready`, output, /^The RS Server is Ready!$/m)
    const address = await t.run(web, 'ip -brief address')
    t.match(`${web.name} holds the VIP`, address.output, /^lo .*192\.168\.188\.100\/32/m)
    const values = await t.run(
      web,
      'cat /proc/sys/net/ipv4/conf/all/arp_ignore /proc/sys/net/ipv4/conf/lo/arp_announce',
    )
    t.equal(`${web.name} keeps quiet about it`, values.output, '1\n2')
  }
}

async function director(t: Transcript, { lvs }: RoutedFarm): Promise<void> {
  t.heading('The director')
  await t.run(lvs, `ip address add ${vip}/32 dev lo`)
  await t.run(lvs, `ipvsadm -A -t ${vip}:80 -s rr`)
  await t.run(lvs, `ipvsadm -a -t ${vip}:80 -r 192.168.188.81:80 -g`)
  await t.run(lvs, `ipvsadm -a -t ${vip}:80 -r 192.168.188.82:80 -g`)
  const { output } = await t.run(lvs, 'ipvsadm -Ln')
  t.match(
    'the service is listed with direct routing',
    output,
    listing(
      'TCP  192.168.188.100:80 rr',
      '  -> 192.168.188.81:80            Route   1      0          0',
      '  -> 192.168.188.82:80            Route   1      0          0',
    ),
  )
}

async function requests(t: Transcript, { internet, lvs, web1 }: RoutedFarm): Promise<void> {
  t.heading('Requests')
  const ping = await t.run(internet, `ping ${vip} -c1`)
  t.match('the director answers a ping to the VIP', ping.output, /ttl=63 /, /1 received/)
  const answers = await t.run(internet, `for i in 1 2 3 4 5 6 7 8;do curl ${vip};done`)
  inTurn(t, answers.output, ['web1', 'web2'], 8)
  const log = await t.run(web1, 'cat access_log')
  t.match(
    'the real server sees the client itself',
    log.output,
    /^192\.168\.10\.6 - - \[.*\] "GET \/ HTTP\/1\.1" 200 5 /m,
  )
  const stats = await t.run(lvs, 'ipvsadm -Ln --stats')
  t.match(
    'the director has counted what came in, and no answer',
    stats.output,
    /^TCP +192\.168\.188\.100:80 +8 +[1-9]\d* +0 +[1-9]\d* +0 *$/m,
  )
}

/** The notes' three frames: router to director, director to web1, web1 to router. */
async function threeFrames(t: Transcript, { internet, lvs, web1 }: RoutedFarm): Promise<void> {
  t.heading('The frames of a connection')
  const atDirector = await Capture.start(lvs, 'eth0', 'tcp port 80 and tcp[tcpflags] & tcp-syn != 0')
  const atServer = await Capture.start(web1, 'eth0', 'tcp port 80 and tcp[tcpflags] & tcp-syn != 0')
  const answersAtDirector = await Capture.start(lvs, 'eth0', `tcp and src host ${vip}`)
  await t.run(internet, `curl ${vip};curl ${vip}`) // one of the two goes to web1
  const seen = frames(await atDirector.stop(t, 4))
  const answered = frames(await atServer.stop(t, 2))
  const crossed = frames(await answersAtDirector.stop(t, 0))

  const toServer = seen.find((frame) => frame.sourceMac === macs.lvs && frame.destinationMac === macs.web1)
  const client = toServer?.source
  const found = (
    list: typeof seen,
    from: string,
    to: string,
    source: string | undefined,
    destination: string | undefined,
  ) =>
    list.some(
      (one) =>
        one.sourceMac === from && one.destinationMac === to && one.source === source && one.destination === destination,
    )
  const service = `${vip}.80`
  t.check(
    '1: router 7c:8e:eb → lvs fb:1c:80, from the client to the VIP',
    found(seen, macs.router, macs.lvs, client, service),
  )
  t.check(
    '2: lvs fb:1c:80 → web1 3e:16:52, only the Ethernet addresses changed',
    found(seen, macs.lvs, macs.web1, client, service),
  )
  t.check(
    '3: web1 3e:16:52 → router 7c:8e:eb, from the VIP to the client',
    found(answered, macs.web1, macs.router, service, client),
  )
  t.check('no answer crosses the director', crossed.length === 0, '0 frames', `${crossed.length} frames`)
}

async function stop(t: Transcript, { web1 }: RoutedFarm): Promise<void> {
  t.heading('The real server stops')
  const { output } = await t.run(web1, 'sluice realserver stop')
  t.match('web1 is a plain server again', output, /^The RS Server is Canceled!$/m)
  const address = await t.run(web1, 'ip -brief address show dev lo')
  t.check('the VIP is gone', !address.output.includes(vip), 'no VIP on lo', address.output)
  const values = await t.run(web1, 'cat /proc/sys/net/ipv4/conf/all/arp_ignore /proc/sys/net/ipv4/conf/lo/arp_announce')
  t.equal('the kernel parameters are as before', values.output, '0\n0')
}

/** Section 4.3: direct routing, five hosts with a router. */
export const dr: Topology = {
  name: 'dr',
  title: 'direct routing: real servers answer past the director (notes, 4.3)',
  programs: ['nginx', 'curl', 'ping', 'tcpdump'],
  async build(lab: Lab): Promise<Drive> {
    const farm = await buildRoutedFarm(lab)
    return async (t) => {
      await pingThroughRouter(t, farm.internet, ['192.168.188.8', '192.168.188.81', '192.168.188.82'])
      await realServers(t, farm)
      await director(t, farm)
      await requests(t, farm)
      await threeFrames(t, farm)
      await stop(t, farm)
    }
  },
}
