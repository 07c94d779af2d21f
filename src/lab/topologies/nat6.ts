import type { Host } from '../host.js'
import type { Lab } from '../lab.js'
import { nginx } from '../servers.js'
import type { Drive, Topology } from '../topology.js'
import type { Transcript } from '../transcript.js'
import { inTurn, listing, row } from './expectations.js'

interface Farm {
  readonly internet: Host
  readonly lvs: Host
}

const VIP = '[fd00:10::100]:80'
const servers = ['[fd00:188::82]:80', '[fd00:188::83]:80'] as const

const rules = [`-A -t ${VIP} -s rr`, `-a -t ${VIP} -r ${servers[0]} -m -w 1`, `-a -t ${VIP} -r ${servers[1]} -m -w 1`]

async function build(lab: Lab): Promise<Farm> {
  const internet = await lab.host('internet')
  const lvs = await lab.host('lvs', { datapath: 'table' })
  const web1 = await lab.host('web1')
  const web2 = await lab.host('web2')
  await lab.cable(
    { host: internet, device: 'eth0', addresses: ['fd00:10::200/64'], mac: '00:0c:29:7c:8e:f5' },
    { host: lvs, device: 'eth1', addresses: ['fd00:10::1/64', 'fd00:10::100/128'], mac: '00:0c:29:3e:16:5c' },
  )
  await lab.switch('lan', [
    { host: lvs, device: 'eth0', addresses: ['fd00:188::81/64'], mac: '00:0c:29:3e:16:52' },
    { host: web1, device: 'eth0', addresses: ['fd00:188::82/64'], mac: '00:0c:29:94:1a:f6' },
    { host: web2, device: 'eth0', addresses: ['fd00:188::83/64'], mac: '00:0c:29:94:1b:f6' },
  ])
  for (const web of [web1, web2]) {
    await web.ip('-6', 'route', 'add', 'default', 'via', 'fd00:188::81')
    await nginx(web)
  }
  return { internet, lvs }
}

async function service(t: Transcript, { lvs, internet }: Farm): Promise<void> {
  t.heading('The virtual service')
  await t.run(lvs, `ipvsadm -A -t ${VIP} -s rr`)
  for (const server of servers) await t.run(lvs, `ipvsadm -a -t ${VIP} -r ${server} -m`)
  const list = await t.run(lvs, 'ipvsadm -Ln')
  t.match(
    'the service and its two real servers are listed',
    list.output,
    listing(`TCP  ${VIP} rr`, ...servers.map((server) => `  -> ${server} Masq 1 0 0`)),
  )

  t.heading('Requests')
  const answers = await t.run(internet, "for i in 1 2 3 4 5 6 7 8 9 10;do curl -g 'http://[fd00:10::100]/';done")
  inTurn(t, answers.output, ['web1', 'web2'], 10)
  const ping = await t.run(internet, 'ping -c 1 fd00:10::100')
  t.match('the director itself answers a ping', ping.output, /1 received/)

  t.heading('10 MB each way')
  await t.run(internet, 'head -c 10485760 /dev/urandom > file')
  // the server that keeps the file is the one whose turn it is: ask both for it
  await t.run(internet, "curl -g -T file 'http://[fd00:10::100]/upload/file'")
  const same = "curl -g -o back 'http://[fd00:10::100]/upload/file';cmp file back && echo same"
  const back = await t.run(internet, `${same};${same}`)
  t.match('what went up comes down again, byte for byte', back.output, /^same$/m)
}

async function counted(t: Transcript, { lvs }: Farm): Promise<void> {
  t.heading('What the director has seen')
  const stats = await t.run(lvs, 'ipvsadm -Ln --stats')
  t.match(
    'packets and bytes are counted in both directions',
    stats.output,
    /^TCP {2}\[fd00:10::100\]:80 +13( +[1-9]\d*[KM]?){4} *$/m,
  )
  const connections = await t.run(lvs, 'ipvsadm -Lnc')
  const entry = /^TCP 0[01]:\d\d {2}TIME_WAIT {3}\[fd00:10::200\]:\d+ +\[fd00:10::100\]:80 +\[fd00:188::8[23]\]:80 *$/gm
  const entries = connections.output.match(entry) ?? []
  t.check('the connections wait in TIME_WAIT', entries.length === 13, '13 entries', `${entries.length} entries`)
}

async function saveAndRestore(t: Transcript, { lvs, internet }: Farm): Promise<void> {
  t.heading('Save, clear, restore')
  await t.run(lvs, 'ipvsadm -Sn > ipvsadm.rules')
  const saved = await t.run(lvs, 'cat ipvsadm.rules')
  t.equal('the rules are saved as the commands that make them', saved.output, rules.join('\n'))
  await t.run(lvs, 'ipvsadm -C')
  await t.run(lvs, 'ipvsadm -R < ipvsadm.rules')
  const restored = await t.run(lvs, 'ipvsadm -Ln')
  t.match('the service is back', restored.output, row(`TCP  ${VIP} rr`), /\[fd00:188::82\]:80 /, /\[fd00:188::83\]:80 /)
  const again = await t.run(internet, "for i in 1 2 3 4;do curl -g 'http://[fd00:10::100]/';done")
  inTurn(t, again.output, ['web1', 'web2'], 4)
}

/** Section 4.1 in IPv6: masquerading, with the director as the real servers' gateway. */
export const nat6: Topology = {
  name: 'nat6',
  title: 'NAT in IPv6: the director between client and real servers',
  programs: ['nginx', 'curl', 'ping'],
  async build(lab: Lab): Promise<Drive> {
    const farm = await build(lab)
    return async (t) => {
      await service(t, farm)
      await counted(t, farm)
      await saveAndRestore(t, farm)
    }
  },
}
