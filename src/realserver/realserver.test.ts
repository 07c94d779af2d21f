import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { inside, sluice } from '../lab/testing.js'
import { forgetNamespace } from './index.js'

const namespace = `t${process.pid}-rs`
const parameters = ['all.arp_ignore', 'lo.arp_ignore', 'all.arp_announce', 'lo.arp_announce'].map(
  (name) => `net.ipv4.conf.${name}`,
)

const realserver = (...args: string[]) => inside(namespace, process.execPath, sluice, 'realserver', ...args)
const set = (...values: string[]) => inside(namespace, 'sysctl', '-qw', ...values)
const values = () =>
  inside(namespace, 'sysctl', '-n', ...parameters)
    .stdout.trim()
    .split('\n')
    .map(Number)
const addresses = () =>
  inside(namespace, 'ip', '-oneline', 'address', 'show', 'dev', 'lo')
    .stdout.split('\n')
    .map((line) => line.split(/\s+/)[3])
    .filter((address) => address !== undefined && !address.startsWith('127.') && address !== '::1/128')

beforeEach(() => {
  execFileSync('ip', ['netns', 'add', namespace])
  inside(namespace, 'ip', 'link', 'set', 'lo', 'up')
  set(...parameters.map((name) => `${name}=0`))
})

afterEach(() => {
  forgetNamespace(namespace)
  execFileSync('ip', ['netns', 'delete', namespace])
})

describe('sluice realserver', () => {
  test('start says what the script says, holds the VIP and keeps ARP quiet; stop undoes it', () => {
    assert.deepEqual(realserver('start', '172.16.0.100'), {
      status: 0,
      stdout: 'The RS Server is Ready!\n',
      stderr: '',
    })
    assert.deepEqual(addresses(), ['172.16.0.100/32'])
    assert.deepEqual(values(), [1, 1, 2, 2])
    assert.deepEqual(realserver('stop'), { status: 0, stdout: 'The RS Server is Canceled!\n', stderr: '' })
    assert.deepEqual(addresses(), [])
    assert.deepEqual(values(), [0, 0, 0, 0])
  })

  test('stop gives back the values that were there, also after a second start', () => {
    set(`${parameters[0]}=2`, `${parameters[3]}=1`)
    realserver('start', '172.16.0.100')
    realserver('start', '172.16.0.100')
    assert.deepEqual(addresses(), ['172.16.0.100/32'])
    realserver('stop')
    assert.deepEqual(values(), [2, 0, 0, 1])
  })

  test('several VIPs, IPv6 among them, come and go one by one; the parameters stay until the last', () => {
    realserver('start', '172.16.0.100', 'FD00:0::100')
    realserver('start', '172.16.0.101')
    assert.deepEqual(addresses().sort(), ['172.16.0.100/32', '172.16.0.101/32', 'fd00::100/128'])
    realserver('stop', '172.16.0.100', 'fd00::100')
    assert.deepEqual(addresses(), ['172.16.0.101/32'])
    assert.deepEqual(values(), [1, 1, 2, 2])
    realserver('stop', '172.16.0.101')
    assert.deepEqual(values(), [0, 0, 0, 0])
  })

  test('an address that was on lo before stays there', () => {
    inside(namespace, 'ip', 'address', 'add', '172.16.0.100/32', 'dev', 'lo')
    realserver('start', '172.16.0.100')
    realserver('stop')
    assert.deepEqual(addresses(), ['172.16.0.100/32'])
  })

  test('a parameter that somebody has changed since is left, and said', () => {
    realserver('start', '172.16.0.100')
    set(`${parameters[0]}=8`)
    assert.match(realserver('stop').stderr, /arp_ignore is 8 now, not the 1 that was set: left as it is/)
    assert.deepEqual(values(), [8, 0, 0, 0])
  })

  test('stop without start changes nothing and succeeds', () => {
    assert.equal(realserver('stop').status, 0)
    assert.deepEqual(values(), [0, 0, 0, 0])
  })

  test('what is no address is refused in one line, and nothing is changed, not even for the good one beside it', () => {
    const { status, stderr } = realserver('start', '172.16.0.100', '172.16.0.300')
    assert.equal(status, 1)
    assert.match(stderr, /^sluice: SLUICE_BAD_VIP: 172\.16\.0\.300 is not an IP address; .*\n$/)
    assert.deepEqual(addresses(), [])
    assert.deepEqual(values(), [0, 0, 0, 0])
  })

  test('a device that does not exist is refused before anything is changed', () => {
    const { status, stderr } = realserver('start', '--tunnel', '--device', 'no-such', '172.16.0.100')
    assert.equal(status, 1)
    assert.match(stderr, /^sluice: SLUICE_NO_DEVICE: no network device no-such; .*\n$/)
    assert.deepEqual(addresses(), [])
    assert.deepEqual(values(), [0, 0, 0, 0])
  })

  test('status --json tells what is in force and what was before', () => {
    realserver('start', '172.16.0.100')
    assert.deepEqual(JSON.parse(realserver('status', '--json').stdout), {
      vips: [{ address: '172.16.0.100', onLoopback: true }],
      sysctls: [0, 1, 2, 3].map((i) => ({ name: parameters[i], value: i < 2 ? '1' : '2', previous: '0' })),
      decapsulation: null,
    })
  })

  test('nothing is remembered of a namespace that is gone', () => {
    realserver('start', '172.16.0.100')
    forgetNamespace(namespace)
    assert.deepEqual(JSON.parse(realserver('status', '--json').stdout).vips, [])
  })
})
