// What ipvsadm does where the real one has nothing to compare with: our own table's refusals, and faults around it.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SluiceError } from '../errors.js'
import type { DirectorApi } from '../ipvs/director-api.js'
import { runIpvsadm } from './run.js'
import { MemoryTable } from './testdata/memory-table.js'
import { textIo } from './testdata/text-io.js'

function run(line: string, openDirector: () => DirectorApi, stdin: string[] = []) {
  const { io, text } = textIo(openDirector, stdin)
  return { status: runIpvsadm(line.split(' ').filter(Boolean), io), ...text }
}

const failing = (error: Error) => (): DirectorApi => {
  throw error
}

class Refusing extends MemoryTable {
  override addService(): void {
    throw new SluiceError('SLUICE_FULL', { what: 'service', limit: 3 })
  }
}

describe('ipvsadm over a table that it cannot have', () => {
  it('says what the real one says without root', () => {
    const got = run('-Ln', failing(new SluiceError('SLUICE_NOT_ROOT', { what: 'read the table' })))
    assert.deepEqual(got, {
      status: 2,
      stdout: '',
      stderr:
        "Can't initialize ipvs: Permission denied (you must be root)\nAre you sure that IP Virtual Server is built in the kernel or as module?\n",
    })
  })

  it('says in one line what is missing, with status 2', () => {
    const got = run('-A -f 1', failing(new SluiceError('SLUICE_NO_BPFFS', { path: '/sys/fs/bpf' })))
    assert.equal(got.status, 2)
    assert.match(got.stderr, /^SLUICE_NO_BPFFS: .*\n$/)
  })

  it('helps and tells its version without a table', () => {
    const never = failing(new Error('opened'))
    assert.equal(run('-h', never).status, 0)
    assert.equal(run('--version', never).stdout, 'ipvsadm v1.31 2019/12/24 (compiled with popt and IPVS v1.2.1)\n')
  })

  it('opens no table for a command line that is wrong', () => {
    assert.equal(run('-A -t 10.0.0.1:80 --bogus', failing(new Error('opened'))).status, 255)
  })

  it('fails as the kernel fails where our table refuses, and a restore goes on', () => {
    const table = new Refusing()
    const message = 'SLUICE_FULL: no room for another service: all 3 are in use; delete some, or set a larger table\n'
    assert.deepEqual(
      run('-A -f 1', () => table),
      { status: 255, stdout: '', stderr: message },
    )
    const restored = run('-R', () => table, ['-A -f 1', '--set 10 10 10'])
    assert.deepEqual(restored, { status: 0, stdout: '', stderr: message })
    assert.equal(table.timeouts().tcp, 10)
  })

  it('ends a restore where the table is out of reach', () => {
    const lines = ['-A -f 1', '-A -f 2']
    run('-R', failing(new SluiceError('SLUICE_NO_BPFFS', { path: '/sys/fs/bpf' })), lines)
    assert.deepEqual(lines, ['-A -f 2'])
  })

  it('closes the table that it opened, once', () => {
    let opened = 0
    let closed = 0
    class Counted extends MemoryTable {
      override close(): void {
        closed += 1
      }
    }
    const table = new Counted()
    run('-R', () => {
      opened += 1
      return table
    }, ['-A -f 1', '-A -f 2', '-D -f 3'])
    assert.deepEqual([opened, closed], [1, 1])
  })
})

describe('saving thresholds, which the real one loses', () => {
  const rules = [
    '-A -t 10.0.0.1:80 -s rr',
    '-a -t 10.0.0.1:80 -r 10.0.0.3:80 -m -w 1 -x 7',
    '-a -t 10.0.0.1:80 -r 10.0.0.4:80 -i -w 1 -x 9 -y 2 --tun-type gue --tun-port 6080 --tun-nocsum',
    '-a -t 10.0.0.1:80 -r 10.0.0.5:80 -g -w 1',
  ]

  it('-S --thresholds writes what -R makes the same table of', () => {
    const table = new MemoryTable()
    const restored = new MemoryTable()
    run('-R', () => table, [...rules])
    const saved = run('-S -n --thresholds', () => table)
    assert.deepEqual(saved, { status: 0, stdout: `${rules.join('\n')}\n`, stderr: '' })
    run('-R', () => restored, saved.stdout.split('\n'))
    assert.deepEqual(restored.services(), table.services())
  })

  it('-S alone leaves them out', () => {
    const table = new MemoryTable()
    run('-R', () => table, [...rules])
    assert.equal(run('-S -n', () => table).stdout, `${rules.join('\n')}\n`.replaceAll(/ -[xy] \d+/g, ''))
  })
})

describe('timeouts of a service, which the real one has not', () => {
  const line = '-A -t 10.0.0.1:80 -s wlc --timeouts 7200,0,30'
  const filled = (...lines: string[]) => {
    const table = new MemoryTable()
    for (const each of lines)
      assert.deepEqual(
        run(each, () => table),
        { status: 0, stdout: '', stderr: '' },
      )
    return table
  }
  const saved = (table: MemoryTable) => run('-S -n', () => table).stdout

  it('are set with the service, and saved and restored', () => {
    const table = filled(line)
    assert.deepEqual(table.services()[0]?.options.timeouts, { tcp: 7200, udp: 30 })
    assert.equal(saved(table), `${line}\n`)
  })

  it('stay through an edit that does not name them', () => {
    assert.equal(saved(filled(line, '-E -t 10.0.0.1:80 -s rr')), `${line.replace('wlc', 'rr')}\n`)
  })

  it("go back to the table's with 0", () => {
    const table = filled(line, '-E -t 10.0.0.1:80 --timeouts 0,60,0')
    assert.equal(saved(table), '-A -t 10.0.0.1:80 -s wlc --timeouts 0,60,0\n')
    run('-E -t 10.0.0.1:80 --timeouts 0,0,0', () => table)
    assert.equal(saved(table), '-A -t 10.0.0.1:80 -s wlc\n')
  })

  it('change no listing', () => {
    for (const view of ['-Ln', '-L --stats', '-L --timeout'])
      assert.deepEqual(
        run(view, () => filled(line)),
        run(view, () => filled('-A -t 10.0.0.1:80 -s wlc')),
      )
  })

  it("are refused in --set's words where they are none", () => {
    const refused = (text: string, stderr: string) =>
      assert.deepEqual(
        run(`-A -f 1 --timeouts ${text}`, () => new MemoryTable()),
        { status: 2, stdout: '', stderr: `${stderr}\n` },
      )
    for (const text of ['900', '900,120', '900,120,300,1', ','])
      refused(text, '--timeouts option requires 3 timeout values, as in 900,120,300')
    refused('900,x,300', "invalid timeout value `x' specified")
    refused('900,,300', "invalid timeout value `' specified")
    refused('2678401,1,1', "invalid timeout value `2678401' specified")
    refused('-1,1,1', "invalid timeout value `-1' specified")
  })

  it('are for services alone', () => {
    const got = run('-a -f 1 -r 10.0.0.2 --timeouts 1,2,3', () => new MemoryTable())
    assert.equal(got.stderr, "Illegal 'timeouts' option with the 'add-server' command\n")
  })
})

describe('full NAT, which the real one has not', () => {
  const rules = [
    '-A -t 10.0.0.1:80 -s wlc --laddr 10.1.0.1,10.1.0.2',
    '-a -t 10.0.0.1:80 -r 10.0.0.3:8080 --fullnat -w 1',
    '-a -t 10.0.0.1:80 -r 10.0.0.4:80 --fullnat -w 2 --proxy-protocol',
    '-a -t 10.0.0.1:80 -r 10.0.0.5:80 --fullnat -w 1 --toa',
    '-a -t 10.0.0.1:80 -r 10.0.0.6:80 -m -w 1',
  ]
  const filled = () => {
    const table = new MemoryTable()
    assert.equal(run('-R', () => table, [...rules]).stderr, '')
    return table
  }
  const refused = (line: string, stderr: string) =>
    assert.deepEqual(
      run(line, () => new MemoryTable()),
      { status: 2, stdout: '', stderr: `${stderr}\n` },
    )

  it('is saved as the commands that make it', () => {
    assert.equal(run('-S -n', filled).stdout, `${rules.join('\n')}\n`)
  })

  it('is listed as FullNat', () => {
    assert.match(run('-Ln', filled).stdout, /^ {2}-> 10\.0\.0\.3:8080 +FullNat 1 {6}0 {10}0 *$/m)
  })

  it('keeps the local addresses through an edit that does not name them', () => {
    const table = filled()
    run('-E -t 10.0.0.1:80 -s rr', () => table)
    assert.deepEqual(table.services()[0]?.options.localAddresses, ['10.1.0.1', '10.1.0.2'])
    run('-E -t 10.0.0.1:80 -s rr --laddr 10.1.0.3', () => table)
    assert.deepEqual(table.services()[0]?.options.localAddresses, ['10.1.0.3'])
  })

  it('refuses what says nothing', () => {
    refused('-A -t 10.0.0.1:80 --laddr here', "invalid local address `here' specified")
    refused('-a -t 10.0.0.1:80 -r 10.0.0.3 -m --toa', "'--toa' and '--proxy-protocol' are options of '--fullnat'")
    refused(
      '-a -u 10.0.0.1:80 -r 10.0.0.3 --fullnat --proxy-protocol',
      "'--toa' and '--proxy-protocol' are only for TCP virtual services",
    )
    refused('-a -t 10.0.0.1:80 -r 10.0.0.3 --fullnat -m', "multiple 'forwarding-method' options specified")
    refused(
      '-a -t 10.0.0.1:80 -r 10.0.0.3 --fullnat --toa --proxy-protocol',
      "multiple 'client-address' options specified",
    )
  })
})
