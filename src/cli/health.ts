import { Command } from 'commander'
import type { HealthAnswer, ServerReport } from '../daemon/index.js'
import { print, printJson, printTable } from './output.js'

/** `sluice health` */
export const healthCommand = (): Command =>
  new Command('health')
    .description('what sluiced knows: services, servers and their checks, drains')
    .option('--json', 'as JSON')
    .action(async ({ json }: { readonly json?: boolean }) => {
      const { askDaemon } = await import('../daemon/index.js')
      const answer = await askDaemon<HealthAnswer>('/v1/health')
      if (json) return printJson(answer)
      show(answer)
    })

function show({ pid, config, checks, services, vrrp, sync }: HealthAnswer): void {
  print(`sluiced (process ${pid}) keeps ${config}: ${services.length} services, ${checks} checks`)
  for (const { name, service, quorum, sorry, servers } of services) {
    const state = quorum === undefined ? 'not known yet' : quorum ? 'up' : 'no quorum'
    print('', `${name}: ${service}, ${state}${sorry ? ', the sorry server serves' : ''}`)
    printTable(
      ['SERVER', 'HEALTH', 'SINCE', 'WEIGHT', 'ACTIVE', 'INACTIVE', 'WHY'],
      servers.map((server) => [
        server.server,
        healthText(server),
        server.since === 0 ? '-' : ago(server.since),
        server.weight === undefined ? '-' : String(server.weight),
        String(server.active),
        String(server.inactive),
        server.checks.map(({ name, outcome }) => `${name}: ${outcome?.reason ?? 'not asked yet'}`).join('; '),
      ]),
    )
  }
  showInstances(vrrp)
  if (sync.length > 0)
    print(
      '',
      ...sync.map(({ state, interface: device, syncid }) => `synchronization: ${state} on ${device}, id ${syncid}`),
    )
}

function showInstances(instances: HealthAnswer['vrrp']): void {
  if (instances.length === 0) return
  print('')
  printTable(
    ['INSTANCE', 'DEVICE', 'VRID', 'STATE', 'PRIORITY', 'ADDRESSES', 'WHY'],
    instances.map(({ name, device, vrid, state, priority, addresses, reason }) => [
      name,
      device,
      String(vrid),
      state,
      String(priority),
      addresses.join(' '),
      reason,
    ]),
  )
}

function healthText({ health, drain }: ServerReport): string {
  if (!drain) return health
  const left = drain.until === undefined ? '' : `, ${seconds(Math.max(0, drain.until - Date.now()))} left`
  return `${health}, ${drain.state}${drain.state === 'draining' ? left : ''}`
}

const ago = (time: number) => seconds(Date.now() - time)

function seconds(milliseconds: number): string {
  const whole = Math.round(milliseconds / 1000)
  if (whole < 120) return `${whole}s`
  if (whole < 7200) return `${Math.round(whole / 60)}m`
  return whole < 172_800 ? `${Math.round(whole / 3600)}h` : `${Math.round(whole / 86_400)}d`
}
