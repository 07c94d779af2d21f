import type { Lab } from '../lab.js'
import type { Drive, Topology } from '../topology.js'
import type { Transcript } from '../transcript.js'
import { inTurn, listing, row } from './expectations.js'
import { buildWebFarm, type WebFarm } from './web-farm.js'

const rules = [
  '-A -t 192.168.10.100:80 -s rr',
  '-a -t 192.168.10.100:80 -r 192.168.188.82:80 -m -w 1',
  '-a -t 192.168.10.100:80 -r 192.168.188.83:80 -m -w 1',
]
const untouched = [
  'TCP  192.168.10.100:80 rr',
  '  -> 192.168.188.82:80            Masq    1      0          0',
  '  -> 192.168.188.83:80            Masq    1      0          0',
]

/** Adds the two real servers behind port 80, as section 4.1.3 does. */
export async function addWebService(t: Transcript, { lvs }: WebFarm): Promise<void> {
  await t.run(lvs, 'sysctl -w net.ipv4.ip_forward=1')
  await t.run(lvs, 'ipvsadm -A -t 192.168.10.100:80 -s rr')
  await t.run(lvs, 'ipvsadm -a -t 192.168.10.100:80 -r 192.168.188.82:80 -m')
  await t.run(lvs, 'ipvsadm -a -t 192.168.10.100:80 -r 192.168.188.83:80 -m')
}

async function hosts(t: Transcript, { lvs, web1, web2 }: WebFarm): Promise<void> {
  t.heading('The hosts')
  for (const web of [web1, web2]) {
    const { output } = await t.run(web, 'ip route')
    t.match(`the director is the gateway of ${web.name}`, output, /^default via 192\.168\.188\.81 dev eth0/)
  }
  const { output } = await t.run(lvs, 'ip -brief address')
  t.match('the director stands in both networks', output, /eth0.*192\.168\.188\.81\/24/, /eth1.*192\.168\.10\.100\/24/)
}

async function service(t: Transcript, farm: WebFarm): Promise<void> {
  const { lvs, internet } = farm
  t.heading('The virtual service')
  await addWebService(t, farm)
  const list = await t.run(lvs, 'ipvsadm -Ln')
  t.match('the service and its two real servers are listed', list.output, listing(...untouched))

  t.heading('Requests')
  const answers = await t.run(internet, 'for i in 1 2 3 4 5 6 7 8 9 10;do curl 192.168.10.100;done')
  inTurn(t, answers.output, ['web1', 'web2'], 10)

  t.heading('What the director has seen')
  const after = await t.run(lvs, 'ipvsadm -Ln')
  t.match(
    'the ten connections are over and counted as inactive, five at each server',
    after.output,
    row('  -> 192.168.188.82:80 Masq 1 0 5'),
    row('  -> 192.168.188.83:80 Masq 1 0 5'),
  )
  const stats = await t.run(lvs, 'ipvsadm -Ln --stats')
  t.match(
    'packets and bytes are counted in both directions',
    stats.output,
    /^TCP {2}192\.168\.10\.100:80 +10( +[1-9]\d*){4} *$/m,
    /^ {2}-> 192\.168\.188\.82:80 +5( +[1-9]\d*){4} *$/m,
    /^ {2}-> 192\.168\.188\.83:80 +5( +[1-9]\d*){4} *$/m,
  )
  const connections = await t.run(lvs, 'ipvsadm -Lnc')
  const entry =
    /^TCP 0[01]:\d\d {2}TIME_WAIT {3}192\.168\.10\.200:\d+ +192\.168\.10\.100:80 +192\.168\.188\.8[23]:80 *$/gm
  const entries = connections.output.match(entry) ?? []
  t.check('ten connections wait in TIME_WAIT', entries.length === 10, '10 entries', `${entries.length} entries`)
}

async function saveAndRestore(t: Transcript, { lvs, internet }: WebFarm): Promise<void> {
  t.heading('Save, clear, restore')
  await t.run(lvs, 'ipvsadm -Sn > ipvsadm.rules')
  const saved = await t.run(lvs, 'cat ipvsadm.rules')
  t.equal('the rules are saved as the commands that make them', saved.output, rules.join('\n'))
  await t.run(lvs, 'ipvsadm -C')
  const cleared = await t.run(lvs, 'ipvsadm -Ln')
  t.match('the table is empty', cleared.output, listing())
  const refused = await t.run(internet, 'curl 192.168.10.100', { status: 7 })
  t.match('nothing answers for the service any more', refused.output, /refused|Couldn't connect/i)
  await t.run(lvs, 'ipvsadm -R < ipvsadm.rules')
  const restored = await t.run(lvs, 'ipvsadm -Ln')
  t.match(
    'the service is back',
    restored.output,
    row(untouched[0] ?? ''),
    / 192\.168\.188\.82:80 /,
    / 192\.168\.188\.83:80 /,
  )
  const again = await t.run(internet, 'for i in 1 2 3 4;do curl 192.168.10.100;done')
  inTurn(t, again.output, ['web1', 'web2'], 4)
}

/** Section 4.1: masquerading, with the director as the real servers' gateway. */
export const nat: Topology = {
  name: 'nat',
  title: 'NAT: the director between client and real servers (notes, 4.1)',
  programs: ['nginx', 'curl'],
  async build(lab: Lab): Promise<Drive> {
    const farm = await buildWebFarm(lab)
    return async (t) => {
      await hosts(t, farm)
      await service(t, farm)
      await saveAndRestore(t, farm)
    }
  },
}
