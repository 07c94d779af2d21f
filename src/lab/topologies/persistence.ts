import type { Lab } from '../lab.js'
import type { Drive, Topology } from '../topology.js'
import type { Transcript } from '../transcript.js'
import { listing } from './expectations.js'
import { buildWebFarm, type WebFarm } from './web-farm.js'

/** Ports on which the web servers answer; on any other one they refuse. */
const ports = [80, 8080]
const refused = 82
/** Of the templates, seconds: longer than a refused connection is remembered (10 s). */
const timeout = 12
const colleague = '192.168.10.201'

async function service(t: Transcript, { internet, lvs }: WebFarm): Promise<void> {
  t.heading('Two clients, and a persistent service of every port')
  await t.run(internet, `ip address add ${colleague}/24 dev eth0`)
  await t.run(lvs, 'sysctl -w net.ipv4.ip_forward=1')
  await t.run(lvs, `ipvsadm -A -t 192.168.10.100:0 -s rr -p ${timeout}`)
  await t.run(lvs, 'ipvsadm -a -t 192.168.10.100:0 -r 192.168.188.82 -m')
  await t.run(lvs, 'ipvsadm -a -t 192.168.10.100:0 -r 192.168.188.83 -m')
  const list = await t.run(lvs, 'ipvsadm -Ln')
  t.match(
    'the service takes every port, and clients stay where they were sent',
    list.output,
    listing(
      `TCP  192.168.10.100:0 rr persistent ${timeout}`,
      '  -> 192.168.188.82:0             Masq    1      0          0',
      '  -> 192.168.188.83:0             Masq    1      0          0',
    ),
  )
}

async function stays(t: Transcript, { internet, lvs }: WebFarm): Promise<void> {
  t.heading('A client keeps its server')
  const here = await t.run(internet, 'for port in 80 8080 80 8080;do curl 192.168.10.100:$port;done')
  t.equal('on every port and with every connection', here.output, 'web2\nweb2\nweb2\nweb2')
  const there = await t.run(internet, `curl --interface ${colleague} 192.168.10.100:${refused}`, { status: 7 })
  t.match('nothing listens at that port', there.output, /refused|Couldn't connect/i)
  const templates = await t.run(lvs, 'ipvsadm -Lnc | grep ":0 "')
  t.match(
    'a template says where each client goes; the next client got the next server',
    templates.output,
    /^TCP 00:\d\d {2}ASSURED {5}192\.168\.10\.200:0 +192\.168\.10\.100:0 +192\.168\.188\.83:0 *$/m,
    /^TCP 00:\d\d {2}NONE {8}192\.168\.10\.201:0 +192\.168\.10\.100:0 +192\.168\.188\.82:0 *$/m,
  )
  const counts = await t.run(lvs, 'ipvsadm -Ln --persistent-conn')
  t.match(
    'each server has one',
    counts.output,
    /^ {2}-> 192\.168\.188\.82:0 +1 +1 +0 +1 *$/m,
    /^ {2}-> 192\.168\.188\.83:0 +1 +1 +0 +4 *$/m,
  )
}

async function ends(t: Transcript, { internet, lvs }: WebFarm): Promise<void> {
  t.heading('Until the timeout')
  await t.run(lvs, `while ipvsadm -Lnc | grep -q "${colleague}:0 ";do sleep 0.2;done`)
  const next = await t.run(internet, `curl --interface ${colleague} 192.168.10.100`)
  t.equal('then it is a client like any other: the next server is its', next.output, 'web2')
  const same = await t.run(internet, 'curl 192.168.10.100')
  t.equal('while the client whose connections are remembered still has its own', same.output, 'web2')
}

async function quiesces(t: Transcript, { internet, lvs }: WebFarm): Promise<void> {
  t.heading('A server that is to take no new clients')
  await t.run(lvs, 'ipvsadm -e -t 192.168.10.100:0 -r 192.168.188.83 -m -w 0')
  const kept = await t.run(internet, 'curl 192.168.10.100')
  t.equal('keeps those that it has', kept.output, 'web2')
  await t.run(lvs, 'sluice sysctl -w net.ipv4.vs.expire_quiescent_template=1')
  const lost = await t.run(internet, 'curl 192.168.10.100:8080;curl 192.168.10.100')
  t.equal('until it is to lose them', lost.output, 'web1\nweb1')
}

/** Persistence, on the hosts of section 4.1. */
export const persistence: Topology = {
  name: 'persistence',
  title: 'persistence: a client keeps its server, behind NAT',
  programs: ['nginx', 'curl'],
  async build(lab: Lab): Promise<Drive> {
    const farm = await buildWebFarm(lab, ports)
    return async (t) => {
      await service(t, farm)
      await stays(t, farm)
      await ends(t, farm)
      await quiesces(t, farm)
    }
  },
}
