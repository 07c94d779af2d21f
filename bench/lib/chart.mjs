// The result as a picture: horizontal bars, one panel a measurement, in one SVG file without anything from elsewhere.
import { machineLine } from './machine.mjs'
import { amount } from './report.mjs'

/**
 * @typedef {object} Bar
 * @property {string} label
 * @property {number} value
 * @property {string} text
 * @property {boolean} ours
 * @property {[number, number]} [range]
 */

/** @typedef {{ title: string, bars: Bar[], reference?: number, referenceText?: string }} Panel */

const WIDTH = 760
const LEFT = 210
const RIGHT = 190
const BAR = 18
const GAP = 8
const PANEL_HEAD = 34
const PANEL_FOOT = 22

const style = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600 }
  .small { font-size: 11px; fill: #59636e }
  .other { fill: #9aa4af } .ours { fill: #2f6fde }
  .line { stroke: #59636e; stroke-width: 1 } .reference { stroke: #59636e; stroke-dasharray: 3 3 }
  .ground { fill: #ffffff }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .small { fill: #9198a1 } .other { fill: #6e7681 } .ours { fill: #5b93f5 }
    .line, .reference { stroke: #9198a1 } .ground { fill: #0d1117 }
  }`

/** @param {string} text */
const escapeText = (text) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`)

/** @param {import('./report.mjs').Result} result @returns {Panel[]} */
function panels({ traffic, instructions }) {
  const list = traffic.map(({ name, unit, rows }) => ({
    title: `${name}, relative to ${rows[0]?.name}`,
    reference: 1,
    bars: rows.map((row, i) => ({
      label: row.name,
      value: i === 0 ? 1 : row.ratio.median,
      text: `${i === 0 ? '1' : row.ratio.median.toFixed(2)}  (${amount(row.value.median, unit)} ${unit.replace('/s', 'a second').replace('Gbita second', 'Gbit/s')})`,
      ours: row.id === 'sluice',
      ...(i === 0 ? {} : { range: /** @type {[number, number]} */ ([row.ratio.low, row.ratio.high]) }),
    })),
  }))
  if (!instructions) return list
  return [
    ...list,
    {
      title: 'instructions a forwarded packet (fewer is better)',
      bars: instructions.map(({ name, overFloor }) => ({
        label: name,
        value: overFloor,
        text: amount(overFloor, ''),
        ours: name.startsWith('Sluice'),
      })),
    },
  ]
}

/** @param {Panel} panel @param {number} top */
function draw({ title, bars, reference }, top) {
  const most = Math.max(...bars.map((bar) => bar.range?.[1] ?? bar.value), reference ?? 0)
  const x = (/** @type {number} */ value) => LEFT + (value / most) * (WIDTH - LEFT - RIGHT)
  const first = top + PANEL_HEAD
  const parts = bars.flatMap(({ label, value, text, ours, range }, i) => {
    const y = first + i * (BAR + GAP)
    const middle = y + BAR / 2
    const end = Math.max(x(value), range ? x(range[1]) : 0)
    return [
      `<text x="${LEFT - 8}" y="${middle + 4}" text-anchor="end">${escapeText(label)}</text>`,
      `<rect class="${ours ? 'ours' : 'other'}" x="${LEFT}" y="${y}" width="${(x(value) - LEFT).toFixed(1)}" height="${BAR}" rx="2"/>`,
      ...(range
        ? [
            `<path class="line" fill="none" d="M${x(range[0]).toFixed(1)} ${middle}H${x(range[1]).toFixed(1)}M${x(range[0]).toFixed(1)} ${middle - 4}v8M${x(range[1]).toFixed(1)} ${middle - 4}v8"/>`,
          ]
        : []),
      `<text x="${(end + 8).toFixed(1)}" y="${middle + 4}">${escapeText(text)}</text>`,
    ]
  })
  const height = bars.length * (BAR + GAP)
  if (reference)
    parts.push(`<path class="reference" d="M${x(reference).toFixed(1)} ${first - 4}V${first + height - GAP + 4}"/>`)
  return {
    svg: [`<text class="title" x="16" y="${top + 20}">${escapeText(title)}</text>`, ...parts],
    height: PANEL_HEAD + height + PANEL_FOOT,
  }
}

/** @param {import('./report.mjs').Result} result */
export const chart = (result) =>
  picture(
    'Sluice beside plain kernel routing, nftables DNAT and two proxies',
    [
      machineLine(result.machine),
      `Bars: medians of ${result.settings.rounds} rounds; whiskers: lowest and highest; dashed: plain kernel routing`,
    ],
    panels(result),
  )

/** @param {import('./test-runs.mjs').TestRuns} testRuns @returns {Panel[]} */
function scalePanels({ scale, opening, memory }) {
  const count = (/** @type {number} */ n, /** @type {string} */ what) => `${amount(n, '')} ${what}${n === 1 ? '' : 's'}`
  const kinds = [...new Set(scale.map(({ name }) => name))]
  return [
    ...kinds.map((kind) => ({
      title: `nanoseconds a run at TC: ${kind}`,
      bars: scale
        .filter(({ name }) => name === kind)
        .map(({ services, connections, ns, ratio }) => ({
          label: `${count(services, 'service')}, ${amount(connections, '')}`,
          value: ns.median,
          text: `${amount(ns.median, '')} ns  (${ratio.median.toFixed(2)})`,
          ours: true,
          range: /** @type {[number, number]} */ ([ns.low, ns.high]),
        })),
    })),
    {
      title: 'nanoseconds of a new connection, NAT, by those that there are',
      bars: opening.map(({ connections, ns }) => ({
        label: count(connections, 'connection'),
        value: ns,
        text: `${amount(ns, '')} ns`,
        ours: true,
      })),
    },
    {
      title: 'memory of a whole table, MiB, by connections that fit',
      bars: memory.map(({ connections, bytes }) => ({
        label: count(connections, 'connection'),
        value: bytes,
        text: amount(bytes / 2 ** 20, ''),
        ours: true,
      })),
    },
  ]
}

/** Cost by the size of the table. @param {import('./report.mjs').Result} result */
export const scaleChart = ({ machine, testRuns }) =>
  picture(
    'Sluice: cost by services and connections',
    [
      machineLine(machine),
      'Labels: services, connections. Bars: medians; whiskers: lowest and highest; in brackets: to the smaller table',
    ],
    testRuns ? scalePanels(testRuns) : [],
  )

/** @param {string} title @param {string[]} lines @param {Panel[]} list */
function picture(title, lines, list) {
  let top = 20 + 16 * lines.length
  const body = list.flatMap((panel) => {
    const { svg, height } = draw(panel, top)
    top += height
    return svg
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top}" width="${WIDTH}" height="${top}" role="img">
<title>${escapeText(title)}</title>
<style>${style}
</style>
<rect class="ground" width="${WIDTH}" height="${top}"/>
${lines.map((line, i) => `<text class="small" x="16" y="${22 + 16 * i}">${escapeText(line)}</text>`).join('\n')}
${body.join('\n')}
</svg>
`
}
