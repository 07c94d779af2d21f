// The result as text and as Markdown: one table each for traffic, control plane, instructions.
import { machineLine } from './machine.mjs'

/** @typedef {import('./statistics.mjs').Spread} Spread */

/**
 * @typedef {object} TrafficRow
 * @property {string} id of the datapath
 * @property {string} name
 * @property {Spread} value
 * @property {Spread} ratio to the first datapath's, round by round
 * @property {number} errors failed connections and requests
 */

/** @typedef {{ id: string, name: string, unit: string, rows: TrafficRow[] }} Traffic */

/**
 * @typedef {object} Result
 * @property {ReturnType<typeof import('./machine.mjs').machine>} machine
 * @property {{ rounds: number, seconds: number }} settings
 * @property {string} attached the hook at which Sluice stood
 * @property {Record<string, number>} drops packets that Sluice dropped, by reason
 * @property {Traffic[]} traffic
 * @property {Awaited<ReturnType<typeof import('./control.mjs').startUp>>} [startUp]
 * @property {Awaited<ReturnType<typeof import('./control.mjs').library>>} [library]
 * @property {import('./estimator.mjs').EstimatorRow[]} [estimator]
 * @property {import('./test-runs.mjs').TestRuns} [testRuns]
 * @property {Awaited<ReturnType<typeof import('./control.mjs').singleEdits>>} [edits]
 * @property {import('./flood.mjs').Flood[]} [floods]
 * @property {import('./instructions.mjs').Row[]} [openings]
 * @property {import('./restore.mjs').Restores} [restores]
 * @property {import('./instructions.mjs').Row[] | undefined} [instructions]
 */

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })

/** @param {number} value @param {string} unit */
export const amount = (value, unit) => (unit === 'Gbit/s' ? value.toFixed(2) : whole.format(value))

/** @param {Spread} s @param {(value: number) => string} form */
const withRange = (s, form) => `${form(s.median)} (${form(s.low)}–${form(s.high)})`

/** @param {number} value */
const two = (value) => value.toFixed(2)
/** @param {number} value */
const us = (value) => `${value.toFixed(1)} µs`
/** @param {number} value */
const ms = (value) => `${value.toFixed(1)} ms`

/** @typedef {{ title: string, head: string[], rows: string[][], notes?: string[] }} Table */

/** @param {Result} result @returns {Table[]} */
export function tables(result) {
  const { settings, traffic, startUp, library, estimator, testRuns, edits, floods, openings, restores, instructions } =
    result
  const base = traffic[0]?.rows[0]?.name
  /** @type {Table[]} */
  const list = []
  if (traffic.length > 0)
    list.push({
      title: `Traffic: medians of ${settings.rounds} rounds of ${settings.seconds} s, lowest–highest`,
      head: ['', 'datapath', 'measured', `to ${base}`],
      rows: traffic.flatMap(({ name, unit, rows }) =>
        rows.map((row, i) => [
          i === 0 ? `${name}, ${unit}` : '',
          row.name,
          withRange(row.value, (value) => amount(value, unit)) + (row.errors > 0 ? `, ${row.errors} errors` : ''),
          i === 0 ? '' : withRange(row.ratio, two),
        ]),
      ),
      notes: fairness(result),
    })
  if (startUp)
    list.push({
      title: 'Start-up: ten services of two servers',
      head: ['', 'median (lowest–highest)'],
      rows: [
        ['node -e 0', withRange(startUp.node, ms)],
        ['bin/ipvsadm -Ln', withRange(startUp.ipvsadm, ms)],
        ['difference', withRange(startUp.difference, ms)],
      ],
    })
  if (library)
    list.push({
      title: `The library: ${whole.format(library.edits)} services, one server each`,
      head: ['', 'a second'],
      rows: [
        ['addService', whole.format(library.addService)],
        ['addServer', whole.format(library.addServer)],
        ['editServer', whole.format(library.editServer)],
        ['services read by services()', whole.format(library.list)],
        ['deleteServer', whole.format(library.deleteServer)],
        ['deleteService', whole.format(library.deleteService)],
      ],
    })
  if (estimator)
    list.push({
      title: 'The estimator of rates: its work in two seconds, and in one run of its timer',
      head: ['services', 'servers', 'CPUs counted', 'in two seconds', 'runs', 'one run'],
      rows: estimator.map(({ services, servers, cpus, pass, tick, ticks }) => [
        whole.format(services),
        whole.format(servers),
        String(cpus),
        withRange(pass, us),
        whole.format(ticks),
        withRange(tick, us),
      ]),
    })
  if (edits)
    list.push({
      title: 'Single edits through the library, µs, by the services of four servers that there are',
      head: ['services', 'editServer', 'addServer', 'addService'],
      rows: edits.map(({ services, editServer, addServer, addService }) => [
        whole.format(services),
        ...[editServer, addServer, addService].map((s) => withRange(s, whole.format)),
      ]),
    })
  if (floods)
    list.push({
      title: `A flood of SYNs of spoofed sources, a table of ${whole.format(floods[0]?.table ?? 0)} connections`,
      head: [
        'spoofed SYNs a second',
        'clients',
        'served',
        'answer, ms: median, slowest',
        'half-open ones ended',
        'dropped: table full',
      ],
      rows: floods.map(({ rate, clients, served, medianMs, slowestMs, evicted, full }) => [
        whole.format(rate),
        whole.format(clients),
        `${whole.format(served)} (${((served * 100) / clients).toFixed(1)} %)`,
        `${medianMs.toFixed(1)}, ${whole.format(slowestMs)}`,
        whole.format(evicted),
        whole.format(full),
      ]),
    })
  if (openings) list.push(openingTable(openings))
  if (restores) list.push(restoreTable(restores))
  if (testRuns) list.push(...runTables(testRuns))
  if (instructions)
    list.push({
      title: 'Instructions a forwarded 60-byte UDP packet, Linux 6.1, over the floor',
      head: ['', 'instructions', 'delivered'],
      rows: instructions.map((row) => [row.name, whole.format(row.overFloor), `${row.delivered} %`]),
    })
  return list
}

/** @param {import('./instructions.mjs').Row[]} rows @returns {Table} */
const openingTable = (rows) => ({
  title: 'Instructions of a packet that opens a connection (a SYN), Linux 6.1, one core, over the floor',
  head: ['', 'instructions', 'new connections a second of a core, to kernel IPVS', 'delivered'],
  rows: rows.map(({ name, overFloor, delivered }) => {
    const beside = rows.find((row) => row.name === name.replace('Sluice', 'kernel IPVS'))
    const ratio = beside && beside.name !== name ? two(beside.overFloor / overFloor) : ''
    return [name, whole.format(overFloor), ratio, `${delivered} %`]
  }),
})

/** @param {import('./restore.mjs').Restores} restores @returns {Table} */
const restoreTable = (restores) => ({
  title: '10,000 services of four servers, Linux 6.1 in the virtual machine, seconds',
  head: ['', 'ipvsadm, kernel IPVS', 'bin/ipvsadm'],
  rows: [
    ['-R', two(restores['real-restore']), two(restores['ours-restore'])],
    ['-Ln', two(restores['real-list']), two(restores['ours-list'])],
    ['-e, one server among them', '', two(restores['ours-edit'])],
    ['-e, one server among ten services', '', two(restores['ours-edit-ten'])],
  ],
})

/** @param {import('./test-runs.mjs').TestRuns} testRuns @returns {Table[]} */
const runTables = ({ single, scale, opening, memory }) => [
  {
    title: 'Nanoseconds a run: one packet, again and again',
    head: ['', '', 'a run', 'over the empty program'],
    rows: single.map(({ hook, name, ns, overEmpty }) => [
      hook,
      name,
      withRange(ns, whole.format),
      withRange(overEmpty, whole.format),
    ]),
  },
  {
    title: 'Nanoseconds a run at TC, by the size of the table',
    head: ['known flows', 'services', 'connections', 'a run', 'to the smaller table'],
    rows: scale.map(({ name, services, connections, ns, ratio }) => [
      name,
      whole.format(services),
      whole.format(connections),
      withRange(ns, whole.format),
      withRange(ratio, two),
    ]),
  },
  {
    title: 'Nanoseconds of the packet that opens a connection, NAT, by those that there are',
    head: ['connections', 'a run'],
    rows: opening.map(({ connections, ns }) => [whole.format(connections), whole.format(ns)]),
  },
  {
    title: 'Memory of a whole table, by the connections that it is made for',
    head: ['connections', 'MiB'],
    rows: memory.map(({ connections, bytes }) => [whole.format(connections), whole.format(bytes / 2 ** 20)]),
  },
]

/** @param {Result} result */
function fairness({ machine, attached, drops }) {
  const dropped = Object.entries(drops).map(([reason, packets]) => `${reason} ${packets}`)
  return [
    `Hosts are namespaces on one machine: load generator, servers and director share ${machine.cores} cores, all of them busy, so`,
    'every instruction of a datapath is missing elsewhere. Each datapath has a director and wires of its own, all alike; rounds',
    'alternate, each in another order; a ratio compares within a round. Every row has the same two nginx workers; for plain',
    'routing the client takes their own addresses in turn. All processes are pinned to cores. "Again" is the same',
    `thing measured twice: ratios that differ from 1 by no more than its range say nothing. Sluice stood at: ${attached}.`,
    ...(dropped.length > 0 ? [`Sluice dropped packets: ${dropped.join(', ')}.`] : []),
  ]
}

/** @param {Table} table */
function text({ title, head, rows, notes }) {
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  const lines = all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  return [title, '', ...lines, ...(notes ? ['', ...notes] : []), ''].join('\n')
}

/** @param {Table} table */
function markdown({ title, head, rows }) {
  const line = (/** @type {string[]} */ cells) => `| ${cells.join(' | ')} |`
  return [`**${title}**`, '', line(head), line(head.map(() => '---')), ...rows.map(line), ''].join('\n')
}

/** @param {Result} result */
export const asText = (result) => [machineLine(result.machine), '', ...tables(result).map(text)].join('\n')

/** @param {Result} result */
export const asMarkdown = (result) => [machineLine(result.machine), '', ...tables(result).map(markdown)].join('\n')
