import { createHash, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Daemon, Host } from '../host.js'
import type { Lab } from '../lab.js'
import { nginx } from '../servers.js'
import type { Drive, Topology } from '../topology.js'
import type { Transcript } from '../transcript.js'
import { watch } from '../watch.js'
import { boot, buildHaFarm, die, type HaFarm, MAC, rips, startDaemon, vip } from './ha-hosts.js'

/** Connections to redis that are open all the time. */
const HELD = 20
const DOWNLOADS = 3
/** Of one download; at {@link RATE} it takes long enough for a director to die and another to take over. */
const SIZE = 12 * 2 ** 20
const RATE = '2M'

/** Runs a command again and again until it prints what is waited for, and shows the last time. */
async function eventually(
  t: Transcript,
  what: string,
  host: Host,
  command: string,
  pattern: RegExp | ((output: string) => boolean),
  seconds = 20,
): Promise<string> {
  const holds = (output: string) => (typeof pattern === 'function' ? pattern(output) : pattern.test(output))
  const limit = Date.now() + seconds * 1000
  let result = await host.shell(command)
  while (!holds(result.output) && Date.now() < limit) {
    await sleep(50)
    result = await host.shell(command)
  }
  t.show(host, command, result)
  t.check(what, holds(result.output), String(pattern), result.output.trimEnd())
  return result.output
}

const addresses = 'ip -brief -4 address show eth1'
const holdsVip = new RegExp(`${vip.replaceAll('.', '\\.')}/24`)
const noVip = (output: string) => !holdsVip.test(output)
const requests = (count: number) =>
  `for i in ${Array.from({ length: count }, (_, i) => i + 1).join(' ')};do curl ${vip};done`
const servers = (output: string) => new Set(output.trim().split('\n'))
const same = (found: ReadonlySet<string>, ...wanted: string[]) =>
  found.size === wanted.length && wanted.every((each) => found.has(each))

/** The wires between the directors alone: every other host reaches both, and they do not see each other. */
async function between(farm: HaFarm, state: 'cut' | 'whole'): Promise<void> {
  for (const network of [farm.front, farm.back])
    for (const { host } of [farm.one, farm.two])
      await network.ip('link', 'set', host.name, 'type', 'bridge_slave', 'isolated', state === 'cut' ? 'on' : 'off')
}

async function begins(t: Transcript, { internet, one, two }: HaFarm): Promise<void> {
  t.heading('Two directors, one configuration')
  await t.run(one.host, 'cat sluice.yaml')
  for (const each of [one, two]) await startDaemon(each)
  await eventually(t, 'lvs1, of the higher priority, has the VIP', one.host, addresses, holdsVip)
  await eventually(t, 'lvs2 has not', two.host, addresses, noVip)
  for (const { host } of [one, two])
    await eventually(t, 'every server passed its checks and is in the table', host, 'ipvsadm -Ln', (text) =>
      rips.every((address) => text.includes(`${address}:80 `) && text.includes(`${address}:6379 `)),
    )
  const answers = await t.run(internet, requests(6))
  t.check(
    'web1, web2 and web3 answer',
    same(servers(answers.output), 'web1', 'web2', 'web3'),
    undefined,
    answers.output,
  )
}

async function serverDies(t: Transcript, farm: HaFarm, webServers: Map<Host, Daemon>): Promise<void> {
  const { internet, one, webs } = farm
  const web3 = webs[2]
  t.heading('A server dies and returns')
  await webServers.get(web3)?.kill()
  await eventually(
    t,
    'it leaves the table',
    one.host,
    'ipvsadm -Ln -t 192.168.10.100:80',
    (text) => !text.includes(rips[2]),
  )
  const without = await t.run(internet, requests(4))
  t.check('the others answer', same(servers(without.output), 'web1', 'web2'), undefined, without.output)
  webServers.set(web3, await nginx(web3))
  await eventually(t, 'it is in the table again', one.host, 'ipvsadm -Ln -t 192.168.10.100:80', (text) =>
    text.includes(rips[2]),
  )
  const again = await t.run(internet, requests(6))
  t.check('and answers', servers(again.output).has('web3'), undefined, again.output)
}

async function directorDies(t: Transcript, farm: HaFarm, digest: string): Promise<void> {
  const { internet, one, two } = farm
  t.heading('The master dies in the middle of downloads and of open redis connections')
  const watching = await watch(farm.internet, vip, 6379, HELD)
  const downloads: Daemon[] = []
  for (let i = 1; i <= DOWNLOADS; i += 1)
    downloads.push(
      await internet.start(`download${i}`, 'curl', '--limit-rate', RATE, '-o', `large${i}`, `http://${vip}/large`),
    )
  await sleep(2000)
  await die(farm, one)
  await eventually(t, 'lvs2 has the VIP', two.host, addresses, holdsVip)
  for (const each of downloads) await waitForEnd(each)
  const { broken, gapMs, longestWaitMs } = await watching.end()
  const sums = await t.run(internet, 'sha256sum large*')
  const whole = sums.output.split('\n').filter((line) => line.startsWith(digest)).length
  t.equal('every download is whole', String(whole), String(DOWNLOADS))
  t.equal(`none of ${HELD} open connections broke`, String(broken), '0')
  t.figure('failover', { brokenConnections: broken + DOWNLOADS - whole, gapMs, longestWaitMs })
}

async function waitForEnd(daemon: Daemon): Promise<void> {
  const limit = Date.now() + 60_000
  while (daemon.running && Date.now() < limit) await sleep(50)
  await daemon.stop()
}

async function directorReturns(t: Transcript, farm: HaFarm): Promise<void> {
  const { one, two } = farm
  t.heading('It returns, and preempts')
  const watching = await watch(farm.internet, vip, 6379, HELD)
  await boot(farm, one)
  await eventually(t, 'lvs1 has the VIP again', one.host, addresses, holdsVip, 30)
  await eventually(t, 'lvs2 has not', two.host, addresses, noVip)
  await sleep(1000)
  const { broken, gapMs, longestWaitMs } = await watching.end()
  t.equal(`none of ${HELD} open connections broke`, String(broken), '0')
  t.figure('return', { brokenConnections: broken, gapMs, longestWaitMs })
}

async function splitBrain(t: Transcript, farm: HaFarm): Promise<void> {
  const { internet, router, one, two } = farm
  t.heading('The directors do not see each other: split brain')
  const watching = await watch(farm.internet, vip, 6379, HELD)
  await between(farm, 'cut')
  await eventually(t, 'lvs2 takes itself for the only one', two.host, addresses, holdsVip)
  await t.run(one.host, addresses)
  await between(farm, 'whole')
  await eventually(t, 'they see each other again: lvs2 gives way', two.host, addresses, noVip)
  await eventually(t, 'lvs1 has said again where the VIP is', router, `ip neighbour show ${vip}`, new RegExp(MAC))
  const answers = await t.run(internet, requests(3))
  t.check('requests are answered', answers.output.match(/^web/gm)?.length === 3, undefined, answers.output)
  const { broken, gapMs, longestWaitMs } = await watching.end()
  t.figure('splitBrain', { brokenConnections: broken, gapMs, longestWaitMs })
}

async function allServersDie(t: Transcript, farm: HaFarm, webServers: Map<Host, Daemon>): Promise<void> {
  const { internet, one, webs } = farm
  t.heading('All servers die: the sorry server')
  for (const web of webs) await webServers.get(web)?.kill()
  await eventually(t, 'the sorry server answers', internet, `curl ${vip}`, /^sorry$/m)
  await t.run(one.host, 'ipvsadm -Ln -t 192.168.10.100:80')
  for (const web of webs) webServers.set(web, await nginx(web))
  await eventually(t, 'the servers return, and it has gone', one.host, 'ipvsadm -Ln -t 192.168.10.100:80', (text) =>
    rips.every((address) => text.includes(address)),
  )
  const answers = await t.run(internet, requests(6))
  t.check('nobody is sorry', same(servers(answers.output), 'web1', 'web2', 'web3'), undefined, answers.output)
}

async function drains(t: Transcript, farm: HaFarm, digest: string): Promise<void> {
  const { internet, one } = farm
  t.heading('A server is drained')
  const downloads = await Promise.all(
    [1, 2, 3].map((i) =>
      internet.start(`drain${i}`, 'curl', '--limit-rate', RATE, '-o', `drained${i}`, `http://${vip}/large`),
    ),
  )
  await sleep(500)
  await t.run(one.host, `sluice drain ${rips[0]}`)
  await t.run(one.host, 'sluice health')
  const meanwhile = await t.run(internet, requests(6))
  t.check('new connections go elsewhere', !servers(meanwhile.output).has('web1'), undefined, meanwhile.output)
  for (const each of downloads) await waitForEnd(each)
  const sums = await t.run(internet, 'sha256sum drained*')
  const whole = sums.output.split('\n').filter((line) => line.startsWith(digest)).length
  t.equal('those that it had were finished', String(whole), '3')
  await t.run(one.host, `sluice undrain ${rips[0]}`)
  await eventually(t, 'it takes connections again', internet, requests(6), (text) => servers(text).has('web1'))
  t.figure('drain', { brokenConnections: 3 - whole })
}

/** What the notes' last question is about: two directors, and nobody notices when one dies. */
export const ha: Topology = {
  name: 'ha',
  title: 'high availability: two directors, checks, failover, drain',
  programs: ['nginx', 'curl', 'redis-server', 'redis-cli'],
  async build(lab: Lab): Promise<Drive> {
    const { farm, webServers } = await buildHaFarm(lab)
    const large = randomBytes(SIZE)
    const digest = createHash('sha256').update(large).digest('hex')
    for (const web of farm.webs) writeFileSync(web.path('www/large'), large)
    return async (t) => {
      await begins(t, farm)
      await serverDies(t, farm, webServers)
      await directorDies(t, farm, digest)
      await directorReturns(t, farm)
      await splitBrain(t, farm)
      await allServersDie(t, farm, webServers)
      await drains(t, farm, digest)
    }
  },
}
