import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { defaultSysctls } from '../datapath/index.js'
import { SluiceError } from '../errors.js'
import { readSysctl, sysctlNames, writeSysctl } from './sysctls.js'

/** What Linux 6.1 said to `echo VALUE >/proc/sys/net/ipv4/vs/NAME`: the value read back, or null for EINVAL. */
const answers: Record<string, Record<string, string | null>> = JSON.parse(
  readFileSync(new URL('../../src/ipvs/testdata/sysctls.json', import.meta.url), 'utf8'),
)

/** The kernel's number is 64 bits wide, ours 32. */
const wider = (name: string, value: string) => name === 'sync_qlen_max' && Number(value) > 2 ** 32 - 1

function set(name: string, value: string): string | null {
  const words = defaultSysctls()
  try {
    writeSysctl(name, value, words)
  } catch (error) {
    if (SluiceError.is(error) && error.code === 'SLUICE_BAD_SYSCTL') return null
    throw error
  }
  return readSysctl(name, words, words).value
}

describe('net.ipv4.vs.*', () => {
  test('the names are those of Linux 6.1, est_nice, and conn_rate, which is ours', () => {
    assert.deepEqual(
      sysctlNames.filter((name) => name !== 'est_nice' && name !== 'conn_rate'),
      Object.keys(answers),
    )
  })

  for (const [name, asked] of Object.entries(answers)) {
    test(`${name} takes and refuses what the kernel's does, and shows it alike`, () => {
      for (const [value, answer] of Object.entries(asked)) {
        if (wider(name, value)) continue
        // of the two automatic settings the kernel shows 1 while there is memory
        const shown = ['drop_entry', 'drop_packet', 'secure_tcp'].includes(name) && value === '2' ? '2' : answer
        assert.equal(set(name, value), shown, `${name}=${JSON.stringify(value)}`)
      }
    })
  }

  const defaults = 'am_droprate 10,amemthresh 1024,conn_reuse_mode 1,lblc_expiration 86400,lblcr_expiration 86400,'
    .concat('pmtu_disc 1,run_estimation 1,snat_reroute 1,sync_ports 1,sync_threshold 3\t50,sync_version 1')
    .split(',')
    .map((line) => line.split(' '))
  test("the defaults are the kernel's", () => {
    const words = defaultSysctls()
    const found = sysctlNames
      .map((name) => readSysctl(name, words, words))
      .filter(({ name, value }) => value !== '0' && name !== 'sync_qlen_max')
    assert.deepEqual(
      found.map(({ name, value }) => [name, value]),
      defaults,
    )
  })

  test('a key is known with and without its prefix, dotted or as a path', () => {
    const words = defaultSysctls()
    for (const key of [
      'pmtu_disc',
      'net.ipv4.vs.pmtu_disc',
      'net/ipv4/vs/pmtu_disc',
      '/proc/sys/net/ipv4/vs/pmtu_disc',
    ])
      assert.equal(readSysctl(key, words, words).value, '1')
  })

  test('another key is refused by its whole name', () => {
    const words = defaultSysctls()
    for (const [key, whole] of [
      ['pmtu', 'net.ipv4.vs.pmtu'],
      ['net.ipv4.ip_forward', 'net.ipv4.ip_forward'],
      ['', 'net.ipv4.vs.'],
      ['count', 'net.ipv4.vs.count'],
      ['sync_period', 'net.ipv4.vs.sync_period'],
    ] as const)
      assert.throws(() => readSysctl(key, words, words), { code: 'SLUICE_NO_SYSCTL', details: { key: whole } })
  })

  test('one number for sync_threshold leaves the other, and both are judged together', () => {
    const words = defaultSysctls()
    writeSysctl('sync_threshold', '7 9', words)
    writeSysctl('sync_threshold', '8', words)
    assert.equal(readSysctl('sync_threshold', words, words).value, '8\t9')
    assert.throws(() => writeSysctl('sync_threshold', '9', words), { code: 'SLUICE_BAD_SYSCTL' })
    assert.equal(readSysctl('sync_threshold', words, words).value, '8\t9')
  })

  test('the documentation lists each with its default, what it takes, and whether it acts', () => {
    const page = readFileSync(new URL('../../docs/sysctls.md', import.meta.url), 'utf8')
    const words = defaultSysctls()
    const rows = [...page.matchAll(/^\| `(\w+)` \| ([^|]*) \| (acts|moot) \|/gm)].map(([, ...row]) => row)
    assert.deepEqual(
      rows,
      sysctlNames.map((name) => {
        const { default: value, effect } = readSysctl(name, words, words)
        return [name, name === 'sync_qlen_max' ? 'memory / 32' : value.replace('\t', ' '), effect]
      }),
    )
  })
})
