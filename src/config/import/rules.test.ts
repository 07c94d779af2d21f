import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { formatConfig, parseConfig } from '../index.js'
import { importRules } from './rules.js'

const lookups = {
  host: (name: string) => (name === 'web1' ? '10.1.0.1' : undefined),
  port: (name: string) => (name === 'http' ? 80 : undefined),
}
const imported = (...lines: string[]) => importRules('rules', lines.join('\n'), lookups)
const config = (...lines: string[]) => parseConfig(formatConfig(imported(...lines).config), 'sluice.yaml')

describe('rules of ipvsadm', () => {
  it('become services, their servers in their order', () => {
    const { services } = config(
      '-A -t 10.0.0.1:http -s wrr -p 300 -M 255.255.255.0',
      '-a -t 10.0.0.1:http -r web1:http -m -w 3',
      '-a -t 10.0.0.1:http -r 10.1.0.2:8080 -m -w 1 -x 100 -y 50',
      '-A -u [fd00::1]:53 -s sh -b sh-port,sh-fallback -o',
      '-a -u [fd00::1]:53 -r [fd00::2]:53 -g -w 0',
      '-A -f 7 -6 -s mh -b flag-3',
      '-a -f 7 -6 -r 10.1.0.3 -i -w 1 --tun-type gue --tun-port 6080 --tun-csum',
    )
    assert.deepEqual(
      services.map(({ name, key, options, servers }) => [
        name,
        key,
        options,
        servers.map((server) => [server.key, server.options]),
      ]),
      [
        [
          'tcp-10.0.0.1-80',
          { protocol: 'tcp', address: '10.0.0.1', port: 80 },
          { scheduler: 'wrr', persistence: { timeout: 300, netmask: '255.255.255.0' } },
          [
            [
              { address: '10.1.0.1', port: 80 },
              { method: 'masq', weight: 3, upperThreshold: 0, lowerThreshold: 0 },
            ],
            [
              { address: '10.1.0.2', port: 8080 },
              { method: 'masq', weight: 1, upperThreshold: 100, lowerThreshold: 50 },
            ],
          ],
        ],
        [
          'udp-fd00::1-53',
          { protocol: 'udp', address: 'fd00::1', port: 53 },
          { scheduler: 'sh', schedulerFlags: new Set([1, 2]), onePacket: true },
          [
            [
              { address: 'fd00::2', port: 53 },
              { method: 'route', weight: 0, upperThreshold: 0, lowerThreshold: 0 },
            ],
          ],
        ],
        [
          'fwmark-7-inet6',
          { fwmark: 7, family: 'inet6' },
          { scheduler: 'mh', schedulerFlags: new Set([3]) },
          [
            [
              { address: '10.1.0.3', port: 0 },
              {
                method: 'tunnel',
                weight: 1,
                upperThreshold: 0,
                lowerThreshold: 0,
                tunnel: { type: 'gue', port: 6080, checksum: 'csum' },
              },
            ],
          ],
        ],
      ],
    )
  })

  it('have full NAT, timeouts and synchronization too', () => {
    const { services, timeouts, sync } = config(
      '--set 900 0 300',
      '--start-daemon master --mcast-interface eth1 --syncid 4',
      '--start-daemon backup --mcast-interface eth1 --syncid 4',
      'ipvsadm -A -t 10.0.0.1:80 -s rr',
      'ipvsadm -a -t 10.0.0.1:80 -r 10.1.0.1:80 --fullnat --proxy-protocol',
    )
    assert.deepEqual(timeouts, { tcp: 900, udp: 300 })
    assert.deepEqual(sync, { roles: ['master', 'backup'], options: { interface: 'eth1', syncid: 4 } })
    assert.equal(services[0]?.servers[0]?.options.method, 'fullnat')
    assert.equal(services[0]?.servers[0]?.options.clientAddress, 'proxy')
  })

  it('that are not taken over are named', () => {
    const { remarks } = imported(
      '# rules',
      '# sluice mark add 7 --dport 80',
      '',
      '-A -t 10.0.0.1:80 -s rr',
      '-A -t 10.0.0.1:80 -s rr',
      '-a -t 10.0.0.2:80 -r 10.1.0.1:80 -m',
      '-D -t 10.0.0.1:80',
      '-A -t nowhere:80 -s rr',
      '-frob',
    )
    assert.deepEqual(
      remarks.map(({ at, why }) => `${at.line}: ${why.split(':')[0]}`),
      [
        '2: rules of firewall marks are not in sluice.yaml',
        '5: this service is there already',
        '6: no line before makes this service',
        '7: only rules that add something are taken over',
        '8: illegal virtual server address[',
        '9: this is no command line of ipvsadm',
      ],
    )
  })

  it('that ipvsadm was ever asked in our tests become what the schema takes, or are named', () => {
    const corpus = new URL('../../../src/ipvsadm/testdata/answers.jsonl', import.meta.url)
    const lines = readFileSync(corpus, 'utf8')
      .split('\n')
      .filter(Boolean)
      .flatMap((line) => (JSON.parse(line) as { steps: { tool?: string; argv: string[] }[] }).steps)
      .filter(({ tool, argv }) => tool === undefined && argv.every((word) => /^[^\s#]+$/.test(word)))
      .map(({ argv }) => argv.join(' '))
    assert.ok(lines.length > 5000)
    for (let i = 0; i < lines.length; i += 10) {
      const some = lines.slice(i, i + 10)
      assert.doesNotThrow(() => config(...some), some.join('\n'))
    }
  })
})
