import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { includesNetAdminAndBpf, parseEffective } from './capabilities.js'
import {
  type Device,
  deviceNames,
  devices,
  hasNetAdminAndBpf,
  hasTcx,
  KernelError,
  kernelAtLeast,
  kernelRelease,
  monotonicNs,
  netnsCookie,
  netnsIno,
  openNetns,
  possibleCpus,
  readSysctl,
  withNetns,
  writeSysctl,
} from './index.js'
import { libc, Memory } from './syscall.js'
import { needsRoot, run, script, withNamespace } from './testing.js'
import { highestCpu } from './time.js'

test('devices: what they are, whose port, with whose other end', { skip: needsRoot }, async () => {
  await withNamespace((name) => {
    const ip = (...args: string[]) => run('ip', '-n', name, ...args)
    ip('link', 'add', 'v0', 'mtu', '1400', 'address', '02:00:00:00:00:01', 'type', 'veth', 'peer', 'name', 'v1')
    ip('link', 'add', 'b0', 'type', 'bridge')
    ip('link', 'set', 'v1', 'master', 'b0', 'up')
    withNetns(`/run/netns/${name}`, () => {
      const all = new Map(devices().map((device) => [device.name, device]))
      const index = new Map(deviceNames().map((device) => [device.name, device.ifindex]))
      // with modules loaded, a new namespace has more devices than the loopback
      for (const device of ['b0', 'lo', 'v0', 'v1']) assert.ok(index.has(device), device)
      assert.deepEqual(new Map([...all.values()].map((device) => [device.name, device.ifindex])), index)
      const expected: Device = {
        ifindex: index.get('v0') as number,
        name: 'v0',
        type: 'ether',
        kind: 'veth',
        mtu: 1400,
        up: false,
        address: '02:00:00:00:00:01',
        link: 'v1',
      }
      assert.deepEqual(all.get('v0'), expected)
      assert.equal(all.get('v1')?.master, 'b0')
      assert.equal(all.get('v1')?.up, true)
      assert.equal(all.get('b0')?.kind, 'bridge')
      assert.equal(all.get('lo')?.type, 'loopback')
      assert.equal(all.get('lo')?.kind, undefined)
    })
  })
})

test('a veth whose other end is elsewhere tells by which number that namespace is known', {
  skip: needsRoot,
}, async () => {
  await withNamespace((one) =>
    withNamespace((other) => {
      run('ip', '-n', one, 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1', 'netns', other)
      const found = withNetns(`/run/netns/${one}`, () => devices().find((device) => device.name === 'v0'))
      assert.equal(typeof found?.linkNetns, 'number')
    }),
  )
})

test('sysctls are read and written, a dot in a device name as a slash', { skip: needsRoot }, async () => {
  await withNamespace((name) => {
    run('ip', '-n', name, 'link', 'add', 'v0.1', 'type', 'veth', 'peer', 'name', 'v1')
    const outside = readSysctl('net.ipv4.ip_forward')
    withNetns(`/run/netns/${name}`, () => {
      const value = outside === '1' ? '0' : '1'
      writeSysctl('net.ipv4.ip_forward', value)
      assert.equal(readSysctl('net.ipv4.ip_forward'), value)
      writeSysctl('net.ipv4.conf.v0/1.forwarding', '1')
      assert.equal(readSysctl('net/ipv4/conf/v0.1/forwarding'), '1')
      assert.throws(() => writeSysctl('net.ipv4.conf.lo.accept_local', 'x'), { name: 'KernelError', code: 'EINVAL' })
    })
    assert.equal(readSysctl('net.ipv4.ip_forward'), outside, 'that of the other namespace')
  })
  assert.throws(() => readSysctl('net.ipv4.nothing'), {
    name: 'KernelError',
    code: 'ENOENT',
    message: 'reading sysctl net.ipv4.nothing: ENOENT (No such file or directory)',
  })
  assert.throws(() => writeSysctl('net.ipv4.nothing', '1'), { name: 'KernelError', code: 'ENOENT' })
})

test('a namespace has a cookie of its own; a command in it sees the same', { skip: needsRoot }, async () => {
  const seen = new Set([netnsCookie()])
  // one after the other: the inode number may come again, the cookie does not
  for (let i = 0; i < 3; i += 1) {
    await withNamespace((name) => {
      const cookie = withNetns(`/run/netns/${name}`, () => netnsCookie())
      assert.equal(seen.has(cookie), false)
      seen.add(cookie)
      const there = run(
        'ip',
        'netns',
        'exec',
        name,
        process.execPath,
        ...script('console.log(String(kernel.netnsCookie()))'),
      )
      assert.equal(there, `${cookie}\n`)
    })
  }
})

test('a visit to another namespace ends with the function, whatever becomes of it', { skip: needsRoot }, async () => {
  const home = netnsIno()
  await withNamespace((name) => {
    const path = `/run/netns/${name}`
    const there = withNetns(path, () => [netnsIno(), run('readlink', '/proc/self/ns/net').trim()] as const)
    assert.deepEqual(there, [statSync(path).ino, `net:[${statSync(path).ino}]`])
    assert.equal(netnsIno(), home)
    assert.throws(
      () =>
        withNetns(path, () => {
          throw new Error('inside')
        }),
      /inside/,
    )
    assert.equal(netnsIno(), home)
  })
  assert.throws(() => withNetns('/proc/self/ns/mnt', () => 1), { name: 'KernelError', code: 'EINVAL' })
  assert.throws(() => openNetns('/run/netns/there-is-none'), { name: 'KernelError', code: 'ENOENT' })
  assert.equal(netnsIno(), home)
})

test('the clock is CLOCK_MONOTONIC, that of BPF programs', () => {
  const clock = () => {
    const timespec = new Memory(16)
    libc.function('int clock_gettime(int clock, void *timespec)')(1, timespec.buffer)
    return timespec.u64(0) * 1_000_000_000n + timespec.u64(8)
  }
  const [before, ours, after] = [clock(), monotonicNs(), clock()]
  assert.ok(before <= ours && ours <= after)
})

test('CPUs are numbered by the highest one', () => {
  assert.equal(highestCpu('0\n'), 0)
  assert.equal(highestCpu('0-3\n'), 3)
  assert.equal(highestCpu('0-3,8-11,16\n'), 16)
  assert.ok(possibleCpus() >= 1)
})

test('capabilities: network administration and BPF, or the one that includes it', () => {
  const status = (mask: bigint) =>
    `Name:\tnode\nCapPrm:\t0\nCapEff:\t${mask.toString(16).padStart(16, '0')}\nCapBnd:\t0\n`
  const enough = (mask: bigint) => includesNetAdminAndBpf(parseEffective(status(mask)))
  assert.equal(enough(0n), false)
  assert.equal(enough(1n << 12n), false)
  assert.equal(enough(1n << 39n), false)
  assert.equal(enough((1n << 12n) | (1n << 39n)), true)
  assert.equal(enough((1n << 12n) | (1n << 21n)), true)
  const held = run('sh', '-c', 'grep CapEff /proc/self/status')
  assert.equal(hasNetAdminAndBpf(), includesNetAdminAndBpf(parseEffective(held)))
})

test('the kernel’s release, and what it brings', () => {
  assert.equal(kernelRelease(), run('uname', '-r').trim())
  const [major = 0, minor = 0] = kernelRelease().split('.').map(Number)
  assert.equal(kernelAtLeast(major, minor), true)
  assert.equal(kernelAtLeast(major, minor + 1), false)
  assert.equal(kernelAtLeast(major - 1, 999), true)
  assert.equal(kernelAtLeast(major + 1, 0), false)
})

test('TCX is there from Linux 6.6 on', { skip: needsRoot }, () => {
  assert.equal(hasTcx(), kernelAtLeast(6, 6))
})

test('an error of a file function becomes the kernel’s', () => {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-error-'))
  try {
    openNetns(join(directory, 'missing'))
    assert.fail('opened')
  } catch (error) {
    assert.ok(error instanceof KernelError)
    assert.deepEqual([error.code, error.errno, error.call], ['ENOENT', 2, `open(${join(directory, 'missing')})`])
  } finally {
    rmSync(directory, { recursive: true })
  }
})

test('the foreign function interface is loaded with the first call, not with the module', () => {
  const source = script(`import { readFileSync } from 'node:fs'
    const loaded = () => readFileSync('/proc/self/maps', 'utf8').includes('koffi')
    const before = loaded()
    kernel.deviceNames()
    console.log(before, loaded())`)
  assert.equal(run(process.execPath, ...source), 'false true\n')
})
