// What the real ipvsadm said, asked of the table in earnest: that the Director answers, refuses and lists as kernel IPVS
// does. No device is attached. A case ends where the table has to refuse what the datapath cannot do yet.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Director } from '../../dist/index.js'
import { answers, comparable, run } from '../../dist/ipvsadm/testdata/replay.js'
import { Namespace } from '../lib/netns.mjs'

/** @type {Namespace} */
let host
before(() => {
  host = new Namespace('answers')
  host.sysctl('net/ipv6/conf/all/disable_ipv6', 0)
  host.sysctl('net/ipv6/conf/default/disable_ipv6', 0)
  // as the machine that was asked
  host.batch(`link add eth0 type veth peer name eth9
    link set eth0 up
    link set eth9 up
    addr add 192.168.188.8/24 dev eth0
    addr add fd00:188::8/64 dev eth0 nodad`)
})
after(() => host?.remove())

/** Figures and connections of an idle machine's table cannot be put in from here. */
const idle = ({ fake }) => !fake?.counters && fake?.connections === undefined

const open = () => Director.open({ attach: false })

/** Empties the table, as the real one's was before each case. */
function empty() {
  const director = open()
  director.flush()
  director.setTimeouts({ tcp: 900, tcpFin: 120, udp: 300 })
  for (const { state } of director.daemons()) director.stopDaemon(state)
  director.close()
}

const sized = (text) => text.replaceAll(/\(size=\d+\)/g, '(size=4096)')

describe('what the real ipvsadm said, asked of the table', () => {
  for (const { name, steps } of answers.filter((one) => one.steps.every(idle))) {
    it(name, (t) =>
      host.within(() => {
        empty()
        for (const step of steps) {
          if (step.argv.includes('twos')) return t.skip('the kernel that was asked has no twos')
          const { want, got } = comparable(step, run(step, open))
          if (got.stderr.includes('SLUICE_UNSUPPORTED')) return t.skip(got.stderr.trim())
          assert.deepEqual({ ...got, stdout: sized(got.stdout) }, want, step.argv.join(' '))
        }
      }),
    )
  }
})
