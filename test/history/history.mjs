// The connection-history checker. Clients keep thousands of connections through a director and ask each who answers, over
// and over, while everything about the table is edited, commands are killed, and the program is taken off and put back.
// A connection may wait while its server is deleted; it may never be answered by another server, and never break.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { objectPath, upgradeTable } from '../../dist/datapath/index.js'
import { schedulers } from '../../dist/index.js'
import { Farm, PORT, server, VIP, VIP2 } from '../lib/farm.mjs'
import { random } from '../lib/reference.mjs'

const clientAgent = fileURLToPath(new URL('./client.mjs', import.meta.url))
const upgrader = fileURLToPath(new URL('../lib/upgrader.mjs', import.meta.url))
const bin = (name) => fileURLToPath(new URL(`../../bin/${name}`, import.meta.url))
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** Schedulers that find a server as long as there is one; dh has no fallback, sh and mh are told to have one. */
const wanted = ['rr', 'wrr', 'lc', 'wlc', 'sed', 'nq', 'sh', 'mh', 'lblc', 'lblcr', 'twos']
const flags = { sh: 'sh-fallback', mh: 'mh-fallback' }
const scheduling = (scheduler) => (flags[scheduler] ? { scheduler, schedulerFlags: new Set([1]) } : { scheduler })
/* Ports differ: by NAT a server could not tell connections from one port of the client to two VIPs from each other. */
const options = [
  ['tcp', VIP, PORT],
  ['tcp', VIP2, PORT + 1],
]

/**
 * @typedef {object} Settings
 * @property {number} seed
 * @property {number} connections how many are kept open
 * @property {number} seconds how long edits go on
 * @property {number} servers real servers
 * @property {'masq' | 'route' | 'tunnel'} method
 * @property {(line: string) => void} [say] is told each thing that is done
 */

/** Runs it; the report says what was done, and whether every connection held. @param {Settings} settings */
export async function history({ seed, connections, seconds, servers, method, say = () => {} }) {
  const run = new History({ seed, connections, servers, method, say })
  try {
    await run.begin()
    await run.edits(seconds)
    return await run.end()
  } finally {
    await run.close()
  }
}

class History {
  constructor({ seed, connections, servers, method, say }) {
    this.settings = { seed, connections, servers, method }
    this.rand = random(seed)
    this.say = say
    this.done = {}
    this.started = performance.now()
    /** Servers that come back: time in ms, and how. */
    this.returns = []
    this.kills = { sent: 0, before: 0 }
    this.twins = 0
    this.folder = mkdtempSync(join(tmpdir(), 'sluice-history-'))
    this.farm = new Farm({ role: 'h', servers, method })
    this.farm.client.agent = clientAgent
    this.keys = options.map(([protocol, address, port]) => ({ protocol, address, port }))
    this.schedulers = wanted.filter((name) => schedulers.has(name))
  }

  async begin() {
    const { farm } = this
    for (const { port } of this.keys) await farm.listen(port)
    for (const key of this.keys) this.create(key)
    const { connections } = this.settings
    await farm.client.ask('start', {
      seed: this.settings.seed + 1,
      targets: this.keys.map(({ address: host, port }) => ({ host, port })),
      connections,
      opensPerTick: 40,
      asksPerTick: Math.min(60, Math.ceil(connections / 10)),
      closesPerTick: 2,
    })
    const enough = connections * 0.9
    for (let left = 600; (await farm.client.ask('count')) < enough; left -= 1) {
      if (left === 0) throw new Error('the connections did not open')
      await pause(50)
    }
    this.note('begin', `${connections} connections over ${this.settings.servers} servers (${this.settings.method})`)
  }

  /** Counts and tells one thing that is done. */
  note(kind, text) {
    this.done[kind] = (this.done[kind] ?? 0) + 1
    const at = ((performance.now() - this.started) / 1000).toFixed(3).padStart(8)
    this.say(`${at} ${kind}: ${text}`)
  }

  server(key, number) {
    return { address: server(number), port: key.port }
  }

  options(weight = 1 + this.rand(5), more = {}) {
    return { method: this.settings.method, weight, ...more }
  }

  create(key) {
    const { farm } = this
    farm.edit((director) => {
      director.addService(key, scheduling(this.schedulers[this.rand(this.schedulers.length)]))
      for (let i = 1; i <= this.settings.servers; i += 1) director.addServer(key, this.server(key, i), this.options())
    })
  }

  anyKey() {
    return this.keys[this.rand(this.keys.length)]
  }

  /** A server other than the first, which is always there with a weight: a service is never without one. */
  anyNumber() {
    return 2 + this.rand(this.settings.servers - 1)
  }

  /** The number of servers of each service that are there now, by service. */
  present(key) {
    return new Set(this.farm.service(key)?.servers.map(({ address }) => address))
  }

  has(key, number) {
    return this.present(key).has(server(number))
  }

  text(key) {
    return `-t ${key.address}:${key.port}`
  }

  methodFlag() {
    return { masq: '-m', route: '-g', tunnel: '-i' }[this.settings.method]
  }

  kinds = {
    weight: () => {
      const [key, number, weight] = [this.anyKey(), this.anyNumber(), this.rand(8)]
      if (!this.has(key, number)) return
      this.farm.edit((director) => director.editServer(key, this.server(key, number), this.options(weight)))
      this.note('weight', `${this.text(key)} s${number} to ${weight}`)
    },

    thresholds: () => {
      const [key, number, upperThreshold] = [this.anyKey(), this.anyNumber(), this.rand(200)]
      if (!this.has(key, number)) return
      const lowerThreshold = this.rand(upperThreshold + 1)
      const options = this.options(1 + this.rand(5), { upperThreshold, lowerThreshold })
      this.farm.edit((director) => director.editServer(key, this.server(key, number), options))
      this.note('thresholds', `${this.text(key)} s${number} ${lowerThreshold} ${upperThreshold}`)
    },

    scheduler: () => {
      const [key, scheduler] = [this.anyKey(), this.schedulers[this.rand(this.schedulers.length)]]
      this.farm.edit((director) => director.editService(key, scheduling(scheduler)))
      this.note('scheduler', `${this.text(key)} ${scheduler}`)
    },

    'delete a server': () => {
      const [key, number] = [this.anyKey(), this.anyNumber()]
      if (!this.has(key, number)) return
      this.farm.edit((director) => director.deleteServer(key, this.server(key, number)))
      const after = 100 + this.rand(1500)
      this.returns.push({ at: performance.now() + after, key, number })
      this.note('delete a server', `${this.text(key)} s${number}, for ${after} ms`)
    },

    'delete and add at once': () => {
      const [key, number] = [this.anyKey(), this.anyNumber()]
      if (!this.has(key, number)) return
      this.farm.edit((director) => {
        director.deleteServer(key, this.server(key, number))
        director.addServer(key, this.server(key, number), this.options())
      })
      this.note('delete and add at once', `${this.text(key)} s${number}`)
    },

    'servers beside': () => {
      // they are there and gone between two packets' schedulings, or have no weight: nobody is to be sent to them
      const key = this.anyKey()
      const count = 1 + this.rand(30)
      this.farm.edit((director) => {
        for (let i = 0; i < count; i += 1)
          director.addServer(key, { address: server(1), port: 20_000 + i }, { method: 'masq', weight: 0 })
        for (let i = 0; i < count; i += 1) director.deleteServer(key, { address: server(1), port: 20_000 + i })
      })
      this.note('servers beside', `${this.text(key)} ${count} added and deleted`)
    },

    'services beside': () => {
      const count = 1 + this.rand(20)
      this.farm.edit((director) => {
        for (let port = 30_000; port < 30_000 + count; port += 1) {
          const key = { protocol: this.rand(2) ? 'tcp' : 'udp', address: VIP, port }
          director.addService(key, { scheduler: 'wrr' })
          director.addServer(key, { address: server(1), port: PORT }, this.options())
          director.deleteService(key)
        }
      })
      this.note('services beside', `${count} added and deleted`)
    },

    'timeouts and counters': () => {
      const tcp = 600 + this.rand(600)
      this.farm.edit((director) => {
        director.setTimeouts({ tcp })
        director.zero(this.rand(2) ? this.anyKey() : undefined)
      })
      this.note('timeouts and counters', `tcp ${tcp}`)
    },

    list: async () => {
      const words = [['-Ln'], ['-Lnc'], ['-Ln', '--stats'], ['-Sn']][this.rand(4)]
      const { status } = await this.admin(words)
      if (status !== 0) throw new Error(`ipvsadm ${words.join(' ')}: status ${status}`)
      this.note('list', words.join(' '))
    },

    'another service anew': async () => {
      const key = this.anyKey()
      await this.hold()
      this.farm.edit((director) => director.deleteService(key))
      await pause(this.rand(200))
      this.create(key)
      this.returns = this.returns.filter((each) => each.key !== key)
      await this.farm.client.ask('resume')
      this.note('another service anew', this.text(key))
    },

    'save, clear, restore': async () => {
      await this.hold()
      const { stdout } = await this.admin(['-Sn'])
      await this.admin(['-C'])
      const { status } = await this.admin(['-R'], stdout)
      if (status !== 0) throw new Error(`ipvsadm -R: status ${status}`)
      await this.farm.client.ask('resume')
      this.note('save, clear, restore', `${stdout.split('\n').length - 1} lines`)
    },

    'program off and on': async () => {
      // what comes in between is lost on the way, not answered by a stack that knows nothing of it
      this.gate(true)
      try {
        await this.command(bin('sluice'), ['detach'])
        await pause(this.rand(100))
        const { status, stderr } = await this.command(bin('sluice'), ['attach'])
        if (status !== 0) throw new Error(`sluice attach: ${stderr}`)
      } finally {
        this.gate(false)
      }
      this.note('program off and on', 'sluice detach, sluice attach')
    },

    upgrade: () => {
      const { kept, carried } = this.farm.host.within(() => upgradeTable({ object: this.twin() }))
      this.note('upgrade', `${kept.length} maps shared, ${carried.length} carried over`)
    },

    'upgrade, killed': async () => {
      const file = join(this.folder, 'twin.o')
      writeFileSync(file, this.twin())
      const steps = ['loaded', 'held', 'copied', 'started', 'handed over', 'renamed', 'replaced']
      const step = steps[this.rand(steps.length)]
      const { signal, stderr } = await this.command(process.execPath, [upgrader, file, step])
      if (signal !== 'SIGKILL') throw new Error(`the upgrade was not killed: ${stderr}`)
      this.note('upgrade, killed', `when it had ${step}`)
    },

    'two at once': async () => {
      const outcomes = await Promise.all([this.admin(['-R'], this.script()), this.admin(['-R'], this.script())])
      this.note('two at once', `two restores, statuses ${outcomes.map(({ status }) => status).join(' ')}`)
      this.mend()
    },

    'kill -9': async () => {
      const script = this.script()
      const after = 20 + this.rand(140)
      const { signal } = await this.admin(['-R'], script, after)
      this.kills[signal ? 'sent' : 'before'] += 1
      this.note('kill -9', `ipvsadm -R, ${signal ? `after ${after} ms` : 'it had ended before'}`)
      this.mend()
    },
  }

  /** The same program, told from the others by its bytes alone. */
  twin() {
    this.twins += 1
    return Buffer.concat([readFileSync(objectPath('sluice')), Buffer.from(`twin ${this.twins}`)])
  }

  /** A restore of edits that leave the first server alone. */
  script() {
    const lines = []
    for (let i = 0; i < 40; i += 1) {
      const scheduler = this.schedulers[this.rand(this.schedulers.length)]
      const key = this.anyKey()
      const real = `-r ${server(this.anyNumber())}:${key.port}`
      const place = `${this.text(key)} ${real} ${this.methodFlag()} -w ${1 + this.rand(5)}`
      const beside = `-t ${VIP}:${31_000 + this.rand(4)}`
      lines.push(
        [
          () => `-a ${place}`,
          () => `-e ${place}`,
          () => `-e ${place} -x ${this.rand(300)}`,
          () => `-d ${this.text(key)} ${real}`,
          () => `-E ${this.text(key)} -s ${scheduler}${flags[scheduler] ? ` -b ${flags[scheduler]}` : ''}`,
          () => `-A ${beside} -s wrr`,
          () => `-D ${beside}`,
        ][this.rand(7)](),
      )
    }
    return `${lines.join('\n')}\n`
  }

  /** After commands whose end nobody knows: what lacks is added again, sooner or later; what is beside is deleted. */
  mend() {
    for (const key of this.keys) {
      const there = this.present(key)
      if (!there.has(server(1))) throw new Error(`${this.text(key)}: the first server is gone`)
      for (let number = 2; number <= this.settings.servers; number += 1) {
        if (there.has(server(number)) || this.returns.some((each) => each.key === key && each.number === number))
          continue
        this.returns.push({ at: performance.now() + this.rand(1000), key, number })
      }
    }
    this.farm.edit((director) => {
      for (const { key } of director.services()) if (key.port >= 31_000) director.deleteService(key)
    })
  }

  /** Servers whose time has come are there again, all of them where asked. */
  comeBack(all = false) {
    const due = this.returns.filter(({ at }) => all || at <= performance.now())
    this.returns = this.returns.filter((each) => !due.includes(each))
    for (const { key, number } of due) {
      if (this.has(key, number)) continue
      this.farm.edit((director) => director.addServer(key, this.server(key, number), this.options()))
      this.note('add a server', `${this.text(key)} s${number}`)
    }
  }

  /**
   * No connection is opened until `resume`, and none is half open: one whose server is away would be so until that comes
   * back, so all come back first.
   */
  async hold() {
    this.comeBack(true)
    await this.farm.client.ask('hold')
  }

  /** Shuts or opens the director's own stack to the services' packets. */
  gate(shut) {
    const { host } = this.farm
    if (!shut) return host.run('nft', 'delete table ip gate')
    host.run(
      'nft',
      `add table ip gate; add chain ip gate in { type filter hook input priority 0; }; add rule ip gate in ip daddr { ${VIP}, ${VIP2} } drop`,
    )
  }

  admin(words, stdin, killAfter) {
    return this.command(bin('ipvsadm'), words, stdin, killAfter)
  }

  /** Runs a command in the director's namespace, and kills it after some milliseconds where asked. */
  async command(program, words, stdin = '', killAfter) {
    const child = spawn('nsenter', [`--net=${this.farm.host.path}`, program, ...words])
    const text = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'])
      child[name].on('data', (data) => {
        text[name] += data
      })
    child.stdin.on('error', () => {})
    child.stdin.end(stdin)
    const timer = killAfter === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfter)
    const [status, signal] = await once(child, 'close')
    clearTimeout(timer)
    return { status, signal, ...text }
  }

  async edits(seconds) {
    const until = performance.now() + seconds * 1000
    const names = Object.keys(this.kinds)
    // each kind once, in an order of the seed's, then whatever comes
    const first = names.map((name) => [this.rand(1_000_000), name]).sort(([a], [b]) => a - b)
    const queue = first.map(([, name]) => name)
    while (queue.length > 0 || performance.now() < until) {
      this.comeBack()
      const name = queue.shift() ?? names[this.rand(names.length)]
      await this.kinds[name]()
      await pause(this.rand(60))
    }
  }

  /** Everything is there again; every connection answers once more; the table says the same as the clients. */
  async end() {
    this.comeBack(true)
    const seen = await this.farm.client.ask('settle', { seconds: 90 })
    // what is over expires between one look at the table and the next; what is wrong stays wrong
    let wrong = this.compare(seen.live)
    for (let tries = 20; wrong.length > 0 && tries > 0; tries -= 1) wrong = this.compare(seen.live)
    const { live, moved, broken, stalled, ...totals } = seen
    return {
      ...this.settings,
      seconds: Math.round((performance.now() - this.started) / 1000),
      done: this.done,
      kills: this.kills,
      ...totals,
      live: live.length,
      moved,
      broken,
      stalled,
      wrong,
      passed: moved.length + broken.length + stalled.length + wrong.length === 0,
    }
  }

  /** Where the table's connections and counts are not what the clients have. */
  compare(live) {
    const wrong = []
    const { connections, counts } = this.read()
    const byPort = new Map(connections.map((each) => [`${each.virtual.address} ${each.client.port}`, each]))
    for (const { port, target, name } of live) {
      const found = byPort.get(`${target.split(':')[0]} ${port}`)
      if (!found) wrong.push(`port ${port} (${name}) is not in the table`)
      else if (found.server.address !== server(Number(name.slice(1))))
        wrong.push(`port ${port} is answered by ${name}, the table has ${found.server.address}`)
    }
    for (const { key, servers } of counts) {
      for (const { address, active, inactive } of servers) {
        const own = connections.filter(
          (each) => each.virtual.address === key.address && each.server.address === address,
        )
        const established = own.filter(({ state }) => state === 'ESTABLISHED' || state === 'SYN_RECV').length
        if (own.length !== active + inactive || (this.settings.method === 'masq' && established !== active))
          wrong.push(
            `${this.text(key)} ${address}: ${active} active and ${inactive} inactive, of ${own.length} connections ${established} established`,
          )
      }
    }
    return wrong
  }

  /** The table's connections, and the servers' counts, which held while those were read: connections end all the time. */
  read() {
    const read = () => this.keys.map((key) => ({ key, servers: this.farm.service(key).servers }))
    const text = (counts) =>
      JSON.stringify(counts.map(({ servers }) => servers.map(({ active, inactive }) => [active, inactive])))
    for (let left = 100; ; left -= 1) {
      const before = text(read())
      const connections = this.farm.connections()
      const counts = read()
      if (text(counts) === before || left === 0) return { connections, counts }
    }
  }

  async close() {
    await this.farm.client.ask('end').catch(() => {})
    await this.farm.close()
    rmSync(this.folder, { recursive: true })
  }
}

/** The report in words. */
export function describe(report) {
  const list = (name, rows) =>
    rows.length === 0 ? [] : [`${name}:`, ...rows.slice(0, 20).map((row) => `  ${JSON.stringify(row)}`)]
  return [
    `seed ${report.seed}: ${report.passed ? 'every connection held' : 'NOT every connection held'}`,
    `${report.seconds} s, ${report.servers} servers, ${report.method}`,
    `done: ${Object.entries(report.done)
      .map(([name, count]) => `${count} × ${name}`)
      .join(', ')}`,
    `connections: ${report.opened} opened, ${report.closed} closed, ${report.live} live at the end`,
    `questions: ${report.asked}, answers: ${report.answered}, longest wait ${report.longestWait} ms`,
    `kills: ${report.kills.sent} in time, ${report.kills.before} too late`,
    ...list('moved', report.moved),
    ...list('broken', report.broken),
    ...list('never answered', report.stalled),
    ...list('the table differs', report.wrong),
  ].join('\n')
}
