import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { statSync } from 'node:fs'
import { after, describe, test } from 'node:test'
import { SluiceError } from '../errors.js'
import { down, instances, run, type Topology, up } from './index.js'
import type { Lab } from './lab.js'
import { nginx } from './servers.js'
import { inside, machine, sluice, until } from './testing.js'
import type { Drive } from './topology.js'
import { quietReporter, type Transcript } from './transcript.js'

const silent = { ...quietReporter(), progress: () => {} }
let count = 0
const prefixes: string[] = []

/** A prefix that no other test uses. */
function freshPrefix(): string {
  const prefix = `t${process.pid}-${++count}`
  prefixes.push(prefix)
  return prefix
}

const options = (prefix: string, signal = new AbortController().signal) => ({ prefix, signal, reporter: silent })

/** Two hosts on a switch, one of them with a web server. */
const small = (drive: Drive = async () => {}): Topology => ({
  name: 'small',
  title: 'a client and a server',
  programs: ['nginx', 'curl'],
  async build(lab: Lab) {
    const client = await lab.host('client')
    const server = await lab.host('server')
    await lab.switch('lan', [
      { host: client, device: 'eth0', addresses: ['10.9.0.1/24', 'fd09::1/64'], mac: '02:00:00:00:00:01' },
      { host: server, device: 'eth0', addresses: ['10.9.0.2/24', 'fd09::2/64'], mac: '02:00:00:00:00:02' },
    ])
    await nginx(server)
    return drive
  },
})

const fetch = (prefix: string, url = 'http://10.9.0.2/') => inside(`${prefix}-client`, 'curl', '-s', url).stdout

after(async () => {
  for (const prefix of prefixes) await down(prefix, silent).catch(() => {})
})

describe('a lab', () => {
  test('stands after up, answers over IPv4 and IPv6, and is gone without a trace after down', async () => {
    const prefix = freshPrefix()
    const before = machine(prefix)
    await up(small(), options(prefix))
    assert.equal(fetch(prefix), 'server\n')
    assert.equal(fetch(prefix, 'http://[fd09::2]/'), 'server\n')
    assert.deepEqual(
      instances()
        .filter((one) => one.prefix === prefix)
        .map(({ lab, phase }) => ({ lab, phase })),
      [{ lab: 'small', phase: 'up' }],
    )
    assert.equal(await down(prefix, silent), true)
    assert.deepEqual(machine(prefix), before)
  })

  test('down does nothing where nothing is up', async () => {
    assert.equal(await down(freshPrefix(), silent), false)
  })

  test('is refused while one of its prefix is up, which goes on', async () => {
    const prefix = freshPrefix()
    await up(small(), options(prefix))
    await assert.rejects(up(small(), options(prefix)), { code: 'SLUICE_LAB_UP' })
    assert.equal(fetch(prefix), 'server\n')
    await down(prefix, silent)
  })

  test('stands beside another one of the same addresses', async () => {
    const [one, two] = [freshPrefix(), freshPrefix()]
    await Promise.all([up(small(), options(one)), up(small(), options(two))])
    assert.equal(fetch(one), 'server\n')
    assert.equal(fetch(two), 'server\n')
    await down(one, silent)
    assert.equal(fetch(two), 'server\n')
    await down(two, silent)
    assert.deepEqual([machine(one).namespaces, machine(two).namespaces], [[], []])
  })

  test('is removed when its building fails', async () => {
    const prefix = freshPrefix()
    const broken: Topology = {
      ...small(),
      async build(lab) {
        const host = await lab.host('server')
        await nginx(host)
        await host.route('default', '10.1.2.3') // no such network
        return async () => {}
      },
    }
    await assert.rejects(up(broken, options(prefix)), { code: 'SLUICE_COMMAND' })
    assert.deepEqual(machine(prefix).namespaces, [])
    assert.deepEqual(machine(prefix).processes, [])
    assert.deepEqual(machine(prefix).records, [])
  })

  test('needs its programs before it makes anything', async () => {
    const prefix = freshPrefix()
    await assert.rejects(up({ ...small(), programs: ['no-such-program'] }, options(prefix)), {
      code: 'SLUICE_NO_PROGRAM',
    })
    assert.deepEqual(machine(prefix).records, [])
  })
})

describe('what a lab did not make', () => {
  test('is left alone by up, which says so and leaves nothing of its own', async () => {
    const prefix = freshPrefix()
    const foreign = `${prefix}-server`
    execFileSync('ip', ['netns', 'add', foreign])
    try {
      const { ino } = statSync(`/run/netns/${foreign}`)
      await assert.rejects(up(small(), options(prefix)), { code: 'SLUICE_LAB_FOREIGN' })
      assert.equal(statSync(`/run/netns/${foreign}`).ino, ino)
      assert.deepEqual(machine(prefix).namespaces, [foreign])
      assert.deepEqual(machine(prefix).records, [])
    } finally {
      execFileSync('ip', ['netns', 'delete', foreign])
    }
  })

  test('is left alone by down, though it has taken the name of something that the lab made', async () => {
    const prefix = freshPrefix()
    const foreign = `${prefix}-client`
    await up(small(), options(prefix))
    execFileSync('ip', ['netns', 'delete', foreign])
    execFileSync('ip', ['netns', 'add', foreign])
    try {
      await assert.rejects(
        down(prefix, silent),
        (error) => SluiceError.is(error) && error.code === 'SLUICE_LAB_FOREIGN',
      )
      assert.deepEqual(machine(prefix).namespaces, [foreign])
      assert.deepEqual(machine(prefix).processes, [])
      assert.deepEqual(machine(prefix).records, [])
    } finally {
      execFileSync('ip', ['netns', 'delete', foreign])
    }
  })

  test('a process that the user started in a namespace outlives it, and is reported', async () => {
    const prefix = freshPrefix()
    await up(small(), options(prefix))
    const guest = spawn('ip', ['netns', 'exec', `${prefix}-client`, 'sleep', '1000'], { stdio: 'ignore' })
    try {
      const namespace = statSync(`/run/netns/${prefix}-client`).ino
      await until(() => statSync(`/proc/${guest.pid}/ns/net`).ino === namespace)
      const lines: string[] = []
      await down(prefix, { ...silent, progress: (line) => lines.push(line) })
      assert.match(lines.join('\n'), new RegExp(`process ${guest.pid} \\((ip|sleep)\\) still runs`))
      assert.equal(guest.exitCode, null)
    } finally {
      guest.kill('SIGKILL')
      await once(guest, 'exit')
    }
  })
})

describe('a run', () => {
  const question = async (t: Transcript, name: string, expected: string) =>
    t.equal('the server names itself', name, expected)

  test('holds commands, their real output and the checks, and leaves nothing', async () => {
    const prefix = freshPrefix()
    const topology: Topology = {
      ...small(),
      async build(lab) {
        const drive = await small().build(lab)
        await drive({} as Transcript)
        const host = await lab.host('extra')
        return async (t) => {
          const { output } = await t.run(host, 'echo one;echo two >&2')
          await question(t, output, 'one\ntwo')
          await t.run(host, 'exit 3', { status: 3 })
        }
      },
    }
    const result = await run(topology, options(prefix))
    assert.equal(result.ok, true)
    assert.deepEqual(result.steps, [
      { host: 'extra', command: 'echo one;echo two >&2', status: 0, output: 'one\ntwo\n' },
      { host: 'extra', command: 'exit 3', status: 3, output: '' },
    ])
    assert.deepEqual(result.checks, [{ what: 'the server names itself', ok: true }])
    assert.deepEqual(machine(prefix).namespaces, [])
  })

  test('fails when a check fails or a command ends with another status', async () => {
    const prefix = freshPrefix()
    const topology: Topology = {
      ...small(),
      async build(lab) {
        const host = await lab.host('only')
        return async (t) => {
          await t.run(host, 'exit 4')
          await question(t, 'one', 'another')
        }
      },
    }
    const { ok, checks } = await run(topology, options(prefix))
    assert.equal(ok, false)
    assert.deepEqual(checks, [
      { what: 'exit status of: exit 4', ok: false, expected: '0', found: '4' },
      { what: 'the server names itself', ok: false, expected: 'another', found: 'one' },
    ])
  })

  test('ends at once and removes everything when it is aborted in the middle of a command', async () => {
    const prefix = freshPrefix()
    const controller = new AbortController()
    const topology: Topology = {
      ...small(),
      async build(lab) {
        const host = await lab.host('only')
        return async (t) => {
          setTimeout(() => controller.abort(new Error('enough')), 50)
          await t.run(host, 'sleep 1000')
        }
      },
    }
    await assert.rejects(run(topology, options(prefix, controller.signal)), { message: 'enough' })
    assert.deepEqual(machine(prefix).namespaces, [])
    assert.deepEqual(machine(prefix).processes, [])
    assert.deepEqual(machine(prefix).records, [])
  })

  test('keep leaves it up', async () => {
    const prefix = freshPrefix()
    const { kept } = await run(small(), { ...options(prefix), keep: true })
    assert.equal(kept, true)
    assert.equal(fetch(prefix), 'server\n')
    await down(prefix, silent)
  })
})

/** Starts `sluice lab up dr` and sends a signal when its progress shows `line`. */
async function interrupted(prefix: string, line: string, signal: NodeJS.Signals) {
  const child = spawn(process.execPath, [sluice, 'lab', 'up', 'dr', '--prefix', prefix], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (!said.includes(line) && (said + text).includes(line)) child.kill(signal)
    said += text
  })
  const [code, by] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
  return { code, by }
}

describe('an interruption', () => {
  const moments = ['building the lab', 'internet: eth0', 'router: eth0', 'web2: eth0']

  for (const moment of moments) {
    test(`by SIGKILL at "${moment}" leaves what down removes`, async () => {
      const prefix = freshPrefix()
      const before = machine(prefix)
      assert.equal((await interrupted(prefix, moment, 'SIGKILL')).by, 'SIGKILL')
      assert.equal(await down(prefix, silent), true)
      assert.deepEqual(machine(prefix), before)
    })
  }

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    test(`by ${signal} removes everything and ends with the shell's status for it`, async () => {
      const prefix = freshPrefix()
      const before = machine(prefix)
      const { code } = await interrupted(prefix, 'router: eth0', signal)
      assert.equal(code, { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }[signal])
      assert.deepEqual(machine(prefix), before)
    })
  }

  test('by SIGKILL is cleaned up by the next up of the same prefix', async () => {
    const prefix = freshPrefix()
    await interrupted(prefix, 'router: eth0', 'SIGKILL')
    await up(small(), options(prefix))
    assert.deepEqual(machine(prefix).namespaces, [`${prefix}-client`, `${prefix}-lan`, `${prefix}-server`])
    await down(prefix, silent)
  })

  test('is refused to a second process that would take a lab down while the first one builds it', async () => {
    const prefix = freshPrefix()
    const controller = new AbortController()
    let refused: unknown
    const slow: Topology = {
      ...small(),
      async build(lab) {
        await lab.host('only')
        const child = spawn(process.execPath, [sluice, 'lab', 'down', 'nat', '--prefix', prefix], {
          stdio: ['ignore', 'ignore', 'pipe'],
        })
        let said = ''
        child.stderr.setEncoding('utf8').on('data', (text: string) => {
          said += text
        })
        const [code] = (await once(child, 'close')) as [number]
        refused = { code, said }
        return async () => {}
      },
    }
    await up(slow, options(prefix, controller.signal))
    assert.deepEqual(refused, {
      code: 1,
      said: `sluice: SLUICE_LAB_BUSY: lab ${prefix} is in the hands of process ${process.pid}; wait for it, or interrupt it\n`,
    })
    await down(prefix, silent)
  })
})
