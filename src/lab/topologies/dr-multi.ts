import type { Lab } from '../lab.js'
import type { Drive, Topology } from '../topology.js'
import type { Transcript } from '../transcript.js'
import { inTurn, listing } from './expectations.js'
import { buildRoutedFarm, type RoutedFarm } from './routed-farm.js'

const vip = '172.16.0.100'

/** What the stop commands must give back, as one command line prints it. */
const look = 'ip -brief address show dev lo;sysctl net.ipv4.conf.all.arp_ignore net.ipv4.conf.lo.arp_announce'

async function start(t: Transcript, { router, lvs, web1, web2 }: RoutedFarm): Promise<void> {
  t.heading('The VIP is in a network of its own: the router must know the way')
  await t.run(router, `ip route add ${vip}/32 via 192.168.188.8`)
  t.heading('lvs_dr_rs.sh start, on each real server')
  for (const web of [web1, web2]) {
    const { output } = await t.run(web, `sluice realserver start ${vip}`)
    t.match(`${web.name} is ready`, output, /^The RS Server is Ready!$/m)
  }
  t.heading('lvs_dr_vs.sh start, on the director')
  const ready = await t.run(lvs, `sluice director start ${vip}:80 -s wrr -r 192.168.188.81 -r 192.168.188.82 -g`)
  t.match('the director is ready', ready.output, /^The VS Server is Ready!$/m)
  const list = await t.run(lvs, 'ipvsadm -Ln')
  t.match(
    'the service is listed with direct routing and weighted round robin',
    list.output,
    listing(
      'TCP  172.16.0.100:80 wrr',
      '  -> 192.168.188.81:80            Route   1      0          0',
      '  -> 192.168.188.82:80            Route   1      0          0',
    ),
  )
}

async function stop(
  t: Transcript,
  { lvs, web1, web2 }: RoutedFarm,
  before: ReadonlyMap<string, string>,
): Promise<void> {
  t.heading('Both scripts stop')
  const canceled = await t.run(lvs, 'sluice director stop')
  t.match('the director has stopped', canceled.output, /^The VS Server is Canceled!$/m)
  const list = await t.run(lvs, 'ipvsadm -Ln')
  t.match('its table is empty', list.output, listing())
  for (const web of [web1, web2]) {
    const { output } = await t.run(web, 'sluice realserver stop')
    t.match(`${web.name} has stopped`, output, /^The RS Server is Canceled!$/m)
  }
  for (const host of [lvs, web1, web2]) {
    const { output } = await t.run(host, look)
    t.equal(`${host.name} is as it was before`, output, before.get(host.name) ?? '')
  }
}

/** The second section 4.3: direct routing with the VIP in another network, by the notes' two scripts. */
export const drMulti: Topology = {
  name: 'dr-multi',
  title: 'direct routing over several networks, by the two scripts (notes, 4.3)',
  programs: ['nginx', 'curl'],
  async build(lab: Lab): Promise<Drive> {
    const farm = await buildRoutedFarm(lab)
    return async (t) => {
      const before = new Map<string, string>()
      for (const host of [farm.lvs, farm.web1, farm.web2]) before.set(host.name, (await host.shell(look)).output)
      await start(t, farm)
      t.heading('Requests')
      const answers = await t.run(farm.internet, `for i in 1 2 3 4 5 6 7 8;do curl ${vip};done`)
      inTurn(t, answers.output, ['web1', 'web2'], 8)
      await stop(t, farm, before)
    }
  },
}
