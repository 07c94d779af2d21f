import { Command, InvalidArgumentError, Option } from 'commander'
import {
  type AvailabilityReport,
  allowed,
  defaultAvailabilityPath,
  downPercent,
  durationText,
  type Figures,
  parseTarget,
  readAvailability,
  type SubjectReport,
  type Target,
  usualTargets,
  type WindowName,
  windows,
} from '../availability/index.js'
import { SluiceError } from '../errors.js'
import { print, printJson, printTable } from './output.js'

interface SlaOptions {
  readonly file?: string
  readonly window: WindowName
  readonly json?: boolean
}

/** `sluice sla [TARGET]` */
export const slaCommand = (): Command =>
  new Command('sla')
    .description('how long something may be down, and how long the virtual services and real servers were')
    .argument(
      '[target]',
      'availability in percent, such as 99.95; the live figures are held against it or 99.9',
      target,
    )
    .option('--file <path>', `the daemon's record (default: ${defaultAvailabilityPath}, where there is one)`)
    .addOption(
      new Option('--window <name>', 'of the live figures').choices(Object.keys(windows)).default('30d' as WindowName),
    )
    .option('--json', 'as JSON, with all windows')
    .addHelpText('after', '\nSee docs/availability.md.')
    .action(sla)

function target(text: string): Target {
  try {
    return parseTarget(text)
  } catch {
    throw new InvalidArgumentError('a percentage from 0 to below 100, such as 99.95.')
  }
}

function sla(wanted: Target | undefined, { file, window, json }: SlaOptions): void {
  const against = wanted?.text ?? '99.9'
  const report = readAvailability(file, against)
  if (!report && file !== undefined) throw new SluiceError('SLUICE_NO_RECORD', { path: file })
  const rows = wanted ? [wanted] : usualTargets.map(parseTarget)
  if (json) {
    printJson({ downtime: rows.map(downtimeJson), ...(report ? { live: report } : {}) })
    return
  }
  print('1 year = 365 days = 8760 hours')
  printTable(['AVAILABILITY', 'DOWN IN A YEAR', '30 DAYS', 'A WEEK', 'A DAY'], rows.map(downtimeRow))
  if (report) printLive(report, window, against)
}

/** As the notes reckon: 8760 hours times what may be down. */
const downtimeRow = (row: Target): string[] => [
  `${row.text} %`,
  `8760 h * ${downPercent(row)} % = ${durationText(allowed(row, windows.year))}`,
  ...(['30d', 'week', 'day'] as const).map((name) => durationText(allowed(row, windows[name]))),
]

const downtimeJson = (row: Target) => ({
  target: row.text,
  allowed: Object.fromEntries(Object.entries(windows).map(([name, length]) => [name, allowed(row, length)])),
})

function printLive(
  { subjects, live, at, from, damaged }: AvailabilityReport,
  window: WindowName,
  against: string,
): void {
  print('', `Since ${new Date(from).toISOString()}, ${durationText(at - from)}; of the window ${window}:`)
  if (!live) print('No daemon is keeping the record: the time since its last word counts as unseen.')
  if (damaged > 0) print(`${damaged} damaged ${damaged === 1 ? 'line was' : 'lines were'} left out of the record.`)
  printTable(
    ['', 'STATE', 'AVAILABILITY', 'MTBF', 'MTTR', 'OUTAGES', 'DOWN', 'PLANNED', 'UNSEEN', `LEFT OF ${against} %`],
    subjects.map((subject) => liveRow(subject, window)),
  )
}

function liveRow({ service, server, state, windows: all }: SubjectReport, window: WindowName): string[] {
  const found = all.find((figures) => figures.window === window) as Figures
  const { availability, mtbf, mttr, failures, down, planned, unseen, budget } = found
  const time = (value: number | null) => (value === null ? '-' : durationText(value))
  return [
    server === undefined ? service : `  -> ${server}`,
    state,
    availability === null ? '-' : `${percent(availability)} %`,
    time(mtbf),
    time(mttr),
    String(failures),
    durationText(down),
    durationText(planned),
    durationText(unseen),
    durationText(budget.left),
  ]
}

/** Down, never up: 99.99999 is not 100. */
const percent = (share: number): string => String(Math.floor(share * 1e8) / 1e6)
