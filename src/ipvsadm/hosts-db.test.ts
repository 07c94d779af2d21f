import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Getent, hostsDb } from './hosts-db.js'

const file = () => `# hosts
127.0.0.1 localhost
10.0.0.1\tweb1.example.com web1 # the first
10.0.0.1 second-name
::1 ip6-localhost
FD00:0::1 six
`
const nobody: Getent = () => undefined
const forbidden: Getent = () => assert.fail('the resolver was asked')

describe('hosts', () => {
  it('takes from the file what the file has, by any of its names and in any case', () => {
    const hosts = hostsDb(file, forbidden)
    assert.equal(hosts.address('web1'), '10.0.0.1')
    assert.equal(hosts.address('WEB1.example.com'), '10.0.0.1')
    assert.deepEqual(
      [...hosts.names(['10.0.0.1', '127.0.0.1', 'fd00::1'])],
      [
        ['10.0.0.1', 'web1.example.com'],
        ['127.0.0.1', 'localhost'],
        ['fd00::1', 'six'],
      ],
    )
  })

  it('gives no IPv6 address for a name', () => assert.equal(hostsDb(file, nobody).address('six'), undefined))

  it('asks the resolver for the rest', () => {
    const hosts = hostsDb(file, (database, keys) =>
      database === 'ahostsv4' ? `10.9.9.9       STREAM ${keys[0]}\n` : '10.0.0.2        web2 alias\n',
    )
    assert.equal(hosts.address('far'), '10.9.9.9')
    assert.deepEqual([...hosts.names(['10.0.0.2', '10.0.0.3'])], [['10.0.0.2', 'web2']])
  })

  it('has no hosts where there is no file', () => {
    const missing = () => {
      throw new Error('ENOENT')
    }
    assert.equal(hostsDb(missing, nobody).address('localhost'), undefined)
  })

  it('gives a listing its numbers when the resolver is silent for two seconds', () => {
    let clock = 0
    const asked: number[] = []
    const silent: Getent = (_database, keys, milliseconds) => {
      asked.push(keys.length)
      clock += milliseconds
      return undefined
    }
    const addresses = Array.from({ length: 100 }, (_, i) => `10.1.0.${i}`)
    assert.equal(hostsDb(file, silent, () => clock).names(addresses).size, 0)
    assert.equal(clock, 2000)
    assert.deepEqual(asked, [16])
  })

  it('asks once for an address that is listed often', () => {
    const asked: string[] = []
    const hosts = hostsDb(file, (_database, keys) => {
      asked.push(...keys)
      return undefined
    })
    hosts.names(['10.0.0.7', '10.0.0.7', '10.0.0.8'])
    assert.deepEqual(asked, ['10.0.0.7', '10.0.0.8'])
  })
})
