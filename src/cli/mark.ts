import { Command, InvalidArgumentError } from 'commander'
import { SluiceError } from '../errors.js'
import { Director, type MarkPorts, type MarkRule, mostMarkRules, sameMarkRule } from '../ipvs/index.js'
import type { Protocol } from '../ipvs/types.js'
import { print, printJson, printTable } from './output.js'

interface RuleOptions {
  readonly protocol?: Protocol
  readonly from?: string
  readonly to?: string
  readonly sport?: MarkPorts
  readonly dport?: MarkPorts
  readonly dev?: string
  readonly ipv6?: boolean
}

/** `sluice mark add|del|list|flush` */
export const markCommand = (): Command =>
  new Command('mark')
    .description('which packets get which firewall mark: what services of ipvsadm -f are found by')
    .addCommand(
      matching(new Command('add').description('add a rule; of the rules that fit a packet the first counts'))
        .option('--at <n>', 'make it the rule of this number (default: the last one)', whole)
        .action(add),
    )
    .addCommand(
      matching(new Command('del').description('delete the rule of these words, or of a number'))
        .option('--at <n>', 'of this number; needs no other word', whole)
        .action(remove),
    )
    .addCommand(
      new Command('list').description('list the rules in their order').option('--json', 'as JSON').action(list),
    )
    .addCommand(new Command('flush').description('delete all rules').action(flush))
    .addHelpText('after', '\nsluice rules save and load keep them with the other rules. See docs/marks.md.')

const matching = (command: Command): Command =>
  command
    .argument(command.name() === 'del' ? '[mark]' : '<mark>', 'the mark, such as 7 or 0x7; 0: none', number)
    .option('-p, --protocol <name>', 'tcp, udp or sctp', protocol)
    .option('--from <network>', 'source address or network')
    .option('--to <network>', 'destination address or network')
    .option('--sport <ports>', 'source port, or lowest-highest', ports)
    .option('--dport <ports>', 'destination port, or lowest-highest', ports)
    .option('--dev <device>', 'device by which the packet comes in')
    .option('-6, --ipv6', 'IPv6 packets alone, where no address says so')

function number(text: string): number {
  if (!/^(0x[0-9a-f]{1,8}|\d{1,10})$/i.test(text) || Number(text) > 0xffff_ffff)
    throw new InvalidArgumentError('a number from 0 to 4294967295.')
  return Number(text)
}

function whole(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new InvalidArgumentError(`a number from 1 to ${mostMarkRules}.`)
  return Number(text)
}

function protocol(text: string): Protocol {
  if (text !== 'tcp' && text !== 'udp' && text !== 'sctp') throw new InvalidArgumentError('tcp, udp or sctp.')
  return text
}

function ports(text: string): MarkPorts {
  const [, low, high] = /^(\d{1,5})(?:[-:](\d{1,5}))?$/.exec(text) ?? []
  if (low === undefined) throw new InvalidArgumentError('a port, or two with a dash between.')
  return [Number(low), Number(high ?? low)]
}

const ruleOf = (mark: number, { protocol, from, to, sport, dport, dev, ipv6 }: RuleOptions): MarkRule => ({
  mark,
  ...(ipv6 ? { family: 'inet6' as const } : {}),
  ...(protocol ? { protocol } : {}),
  ...(from === undefined ? {} : { source: from }),
  ...(to === undefined ? {} : { destination: to }),
  ...(sport ? { sourcePorts: sport } : {}),
  ...(dport ? { destinationPorts: dport } : {}),
  ...(dev === undefined ? {} : { device: dev }),
})

export function withDirector<T>(work: (director: Director) => T): T {
  const director = Director.open()
  try {
    return work(director)
  } finally {
    director.close()
  }
}

function add(mark: number, options: RuleOptions & { readonly at?: number }): void {
  const rule = ruleOf(mark, options)
  withDirector((director) =>
    director.editMarkRules((rules) => {
      const at = Math.min((options.at ?? rules.length + 1) - 1, rules.length)
      return [...rules.slice(0, at), rule, ...rules.slice(at)]
    }),
  )
}

function remove(mark: number | undefined, options: RuleOptions & { readonly at?: number }, command: Command): void {
  if (mark === undefined && options.at === undefined)
    command.error('error: which rule? Its words, or --at and its number')
  withDirector((director) =>
    director.editMarkRules((rules) => {
      const at =
        options.at === undefined
          ? rules.findIndex((rule) => sameMarkRule(rule, ruleOf(mark as number, options)))
          : options.at - 1
      if (!rules[at])
        throw new SluiceError('SLUICE_NO_MARK', {
          what: options.at ? `number ${options.at}` : markWords(ruleOf(mark as number, options)),
        })
      return rules.filter((_, i) => i !== at)
    }),
  )
}

function flush(): void {
  withDirector((director) => {
    if (director.markRules().length > 0) director.editMarkRules(() => [])
  })
}

function list({ json }: { readonly json?: boolean }): void {
  const rules = withDirector((director) => director.markRules())
  if (json) {
    printJson(rules)
    return
  }
  if (rules.length === 0) {
    print('no rules of marks')
    return
  }
  printTable(
    ['', 'MARK', 'PROTOCOL', 'FROM', 'PORTS', 'TO', 'PORTS', 'DEVICE'],
    rules.map((rule, i) => [
      String(i + 1),
      String(rule.mark),
      rule.protocol ?? 'any',
      rule.source ?? (rule.family === 'inet6' ? 'any IPv6' : 'any'),
      rule.sourcePorts ? range(rule.sourcePorts) : 'any',
      rule.destination ?? 'any',
      rule.destinationPorts ? range(rule.destinationPorts) : 'any',
      rule.device ?? 'any',
    ]),
  )
}

const range = ([low, high]: MarkPorts) => (low === high ? String(low) : `${low}-${high}`)

/** The words of `sluice mark add` that make a rule. */
export function markWords(rule: MarkRule): string {
  const { mark, family, protocol, source, destination, sourcePorts, destinationPorts, device } = rule
  return [
    String(mark),
    ...(family === 'inet6' ? ['--ipv6'] : []),
    ...(protocol ? ['--protocol', protocol] : []),
    ...(source ? ['--from', source] : []),
    ...(destination ? ['--to', destination] : []),
    ...(sourcePorts ? ['--sport', range(sourcePorts)] : []),
    ...(destinationPorts ? ['--dport', range(destinationPorts)] : []),
    ...(device ? ['--dev', device] : []),
  ].join(' ')
}

/** The other way round. @throws CommanderError for words that make none */
export function parseMark(text: string): MarkRule {
  let rule: MarkRule | undefined
  matching(new Command('add'))
    .exitOverride()
    .action((mark: number, options: RuleOptions) => {
      rule = ruleOf(mark, options)
    })
    .parse(text.trim().split(/\s+/), { from: 'user' })
  return rule as MarkRule
}
