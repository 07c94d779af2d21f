import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parseConfig } from '../config/index.js'

const launcher = fileURLToPath(new URL('../../bin/sluice', import.meta.url))
let folder: string

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-import-'))
})
after(() => rmSync(folder, { recursive: true }))

const sluice = (args: string[], input = '') =>
  spawnSync(process.execPath, [launcher, ...args], { encoding: 'utf8', input })

describe('sluice import', () => {
  it('keepalived.conf writes sluice.yaml, and names the lines that are not in it', () => {
    const file = join(folder, 'keepalived.conf')
    writeFileSync(
      join(folder, 'more.conf'),
      'virtual_server 10.0.0.1 80 {\n  frobnicate\n  protocol TCP\n  real_server 10.1.0.1 80 {\n }\n}\n',
    )
    writeFileSync(file, 'global_defs {\n  router_id LVS # here\n}\ninclude m*.conf\n@two include never\n')
    const { status, stdout, stderr } = sluice(['import', 'keepalived.conf', file, '--config-id', 'one'])
    assert.equal(status, 0)
    assert.deepEqual(
      parseConfig(stdout, 'sluice.yaml').services.map(({ name }) => name),
      ['tcp-10.0.0.1-80'],
    )
    assert.deepEqual(stderr.replaceAll(`${folder}/`, '').split('\n'), [
      "keepalived.conf:2: router_id LVS: it is a name for mails and SNMP; sluiced goes by the host's name",
      'keepalived.conf:5: @two include never: it is not for one: --config-id names another',
      'more.conf:2: frobnicate: this keyword is not known here',
      '',
    ])
  })

  it('keepalived.conf that has no structure is refused in one line', () => {
    const file = join(folder, 'open.conf')
    writeFileSync(file, 'virtual_server 10.0.0.1 80 {\n')
    const { status, stdout, stderr } = sluice(['import', 'keepalived.conf', file])
    assert.deepEqual({ status, stdout }, { status: 1, stdout: '' })
    assert.match(stderr, /^sluice: SLUICE_BAD_KEEPALIVED: .*open\.conf:1: this block does not end; .*\n$/)
  })

  it('ipvsadm-rules reads standard input', () => {
    const rules = '-A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:80 -r 10.1.0.1:80 -m -w 1\n-Z\n'
    const { status, stdout, stderr } = sluice(['import', 'ipvsadm-rules'], rules)
    assert.equal(status, 0)
    assert.equal(parseConfig(stdout, 'sluice.yaml').services[0]?.servers.length, 1)
    assert.match(stderr, /^-:3: -Z: only rules that add something/)
  })
})
