import type { ForwardingMethod } from '../ipvs/types.js'
import type { Draft } from './draft.js'
import {
  type CommandName,
  type OptionName,
  optionNames,
  type Rule,
  rules,
  tunnelOptionNames,
  tunnelRules,
} from './grammar.js'
import { UsageError } from './usage-error.js'

/** @throws UsageError when `command` needs an option that was not given, or refuses one that was */
export function checkRules(command: Exclude<CommandName, 'help' | 'version'>, given: ReadonlySet<OptionName>): void {
  check(rules[command], optionNames, given, `'${command}' command`)
}

/** @throws UsageError when the options of a tunnel do not go together, or with the forwarding method */
export function checkTunnelRules(
  method: ForwardingMethod,
  type: Draft['tunnel'],
  given: ReadonlySet<OptionName>,
): void {
  if (method === 'tunnel') check(tunnelRules[type], tunnelOptionNames, given, `'${type}' tunnel type`)
  else if (given.has('tun-type') || tunnelOptionNames.some((option) => given.has(option)))
    throw new UsageError('Tunnel options conflict with forward method')
}

function check(rule: Rule, names: readonly OptionName[], given: ReadonlySet<OptionName>, owner: string): void {
  let chosen: OptionName | undefined
  for (const option of names) {
    if (!given.has(option)) {
      if (rule.needs?.includes(option))
        throw new UsageError(`You need to supply the '${option}' option for the ${owner}`)
    } else if (rule.oneOf?.includes(option)) {
      if (chosen) throw new UsageError(`The option '${option}' conflicts with the '${chosen}' option in the ${owner}`)
      chosen = option
    } else if (!rule.needs?.includes(option) && !rule.takes?.includes(option))
      throw new UsageError(`Illegal '${option}' option with the ${owner}`)
  }
}
