import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A link or a file that an installation puts into place; `path` is absolute, below the installation's root. */
export type Piece =
  | {
      readonly kind: 'link'
      readonly path: string
      readonly target: string
      /** Whatever link stands there already does as well. */
      readonly any?: true
    }
  | { readonly kind: 'file'; readonly path: string; readonly text: string }

export interface Places {
  /** Folder of the commands. */
  readonly sbin: string
  /** Folder of systemd's units. */
  readonly units: string
  /** Whether the unit starts at boot. */
  readonly enable: boolean
}

/** Where this package is, from src/install or the bundle in dist/bin. */
const home = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

const commands = ['ipvsadm', 'ipvsadm-save', 'ipvsadm-restore', 'sluice', 'sluiced']

/** What the daemon needs of root's powers. */
export const daemonCapabilities = ['NET_ADMIN', 'NET_RAW', 'BPF', 'PERFMON'] as const

const unitName = 'ipvsadm.service'

/** What belongs where. */
export function pieces({ sbin, units, enable }: Places): Piece[] {
  const unit = join(units, unitName)
  return [
    ...commands.map((name) => ({ kind: 'link' as const, path: join(sbin, name), target: join(home, 'bin', name) })),
    { kind: 'file', path: unit, text: unitText(process.execPath, join(home, 'bin/sluice')) },
    {
      kind: 'file',
      path: join(units, 'sluiced.service'),
      text: daemonUnit(process.execPath, join(home, 'bin/sluiced')),
    },
    ...(enable
      ? [{ kind: 'link', path: join(units, 'multi-user.target.wants', unitName), target: unit, any: true } as const]
      : []),
  ]
}

/** A word of a unit's command line. */
const quoted = (word: string) =>
  `"${word.replaceAll('%', '%%').replaceAll(/["\\$]/g, (c) => (c === '$' ? '$$' : `\\${c}`))}"`

/** The unit: rules are restored at its start and saved at its stop. */
function unitText(node: string, sluice: string): string {
  const command = `${quoted(node)} ${quoted(sluice)} rules`
  return `[Unit]
Description=Linux Virtual Server rules (Sluice)
After=local-fs.target network.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=${command} load
ExecStop=${command} save --clear

[Install]
WantedBy=multi-user.target
`
}

/**
 * The daemon's unit: ready when the table is kept, restarted when its main loop hangs. Its processes of connection
 * synchronization live on when it is stopped, as the table does. Capabilities: maps and programs, devices and addresses,
 * VRRP's raw sockets.
 */
function daemonUnit(node: string, sluiced: string): string {
  return `[Unit]
Description=Virtual server daemon (Sluice)
Wants=network-online.target
After=network-online.target ipvsadm.service
ConditionPathExists=/etc/sluice/sluice.yaml

[Service]
Type=notify
ExecStart=${quoted(node)} ${quoted(sluiced)} --foreground --config /etc/sluice/sluice.yaml
ExecReload=/bin/kill -HUP $MAINPID
KillMode=process
Restart=always
RestartSec=1
WatchdogSec=30
CapabilityBoundingSet=${daemonCapabilities.map((name) => `CAP_${name}`).join(' ')}
NoNewPrivileges=yes
RuntimeDirectory=sluice
RuntimeDirectoryPreserve=yes
StateDirectory=sluice

[Install]
WantedBy=multi-user.target
`
}
