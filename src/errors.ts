/**
 * The registry of coded errors. Each code has a message template and the next thing to do; both go to the user in one line.
 * `{name}` in a template is replaced by the detail of that name.
 */
const registry = {
  SLUICE_NOT_ROOT: ['root or CAP_NET_ADMIN and CAP_BPF are needed to {what}', 'run the command as root'],
  SLUICE_NO_BPFFS: ['no BPF file system at {path}', 'run: mount -t bpf bpf /sys/fs/bpf'],
  SLUICE_NO_LIBBPF: ['libbpf.so.1 cannot be loaded: {reason}', 'run: apt-get install libbpf1'],
  SLUICE_NO_OBJECT: ['the compiled datapath {path} cannot be read: {reason}', 'reinstall, or run: npm run build'],
  SLUICE_KERNEL_TOO_OLD: ['this kernel ({release}) refused the datapath: {reason}', 'Linux 6.1 or newer is needed'],
  SLUICE_BPF: ['{call} failed: {reason}', 'see the kernel log, and run: sluice status'],
  SLUICE_NO_DEVICE: ['no network device {device}', 'ip link lists the devices of this namespace'],
  SLUICE_BAD_DEVICE: [
    '{device} cannot be used: {reason}',
    'name an Ethernet device, a bridge or a bond, not one of its ports',
  ],
  SLUICE_NO_XDP: ['{device} cannot have {mode}: {reason}', '{works}'],
  SLUICE_XDP_TAKEN: [
    '{device} has an XDP program already: {program}',
    'a device has one, and ours cannot stand beside it: take that one off, or use --mode tc',
  ],
  SLUICE_NOT_ATTACHED: ['the datapath is not attached to {device}', 'sluice status lists where it is'],
  SLUICE_BAD_SIZE: [
    '{what}: {value} is not a whole number from {low} to {high}',
    'set SLUICE_CONNECTIONS to a number of connections',
  ],
  SLUICE_BAD_LOCAL_ADDRESS: [
    '{address} cannot be a local address of full NAT: {reason}',
    'name an IPv4 address that ip address lists here; see docs/fullnat.md',
  ],
  SLUICE_NO_SERVICE: ['no such virtual service in this namespace', 'ipvsadm -Ln lists them'],
  SLUICE_BAD_PORTS: ['{text} is no range of ports', 'write it like 1024-32767'],
  SLUICE_UNSUPPORTED: ['{what} is not supported by this version', 'docs/differences.md lists what is'],
  SLUICE_LAYOUT: [
    'the table in {path} was made by another version of Sluice ({found}, this is {wanted})',
    'run: sluice upgrade',
  ],
  SLUICE_NO_UPGRADE: [
    'the table in {path} cannot be taken over by this version: {reason}',
    'save the rules, run: sluice detach --flush, and load them again',
  ],
  SLUICE_NO_TABLE: ['there is no table in this network namespace', 'the first service that is added makes one'],
  SLUICE_NO_FILE: ['{path} cannot be read: {reason}', 'check the path and its permissions'],
  SLUICE_NO_WRITE: ['{path} cannot be written: {reason}', 'check that its folder is there and is not read-only'],
  SLUICE_BAD_CONFIG: ['{problem}{more}', 'nothing was changed; see docs/configuration.md'],
  SLUICE_RECORD_BUSY: [
    'another process keeps the record of availability {path}',
    'one daemon keeps a record: stop the other, or give this one a path of its own',
  ],
  SLUICE_NO_RECORD: ['there is no record of availability {path}', 'sluiced keeps one; name another with --file'],
  SLUICE_BAD_KEEPALIVED: ['{place}: {reason}', 'keepalived -t says more; see docs/migrate-keepalived.md'],
  SLUICE_BAD_SERVER: ['{text} names no server', 'write it like 192.168.188.82, 192.168.188.82:80 or [fd00::1]:80'],
  SLUICE_NO_SERVER: ['there is no server {server} in {where} of the configuration', 'sluice health lists the servers'],
  SLUICE_NO_DRAIN: ['{server} is not being drained', 'sluice health lists what is'],
  SLUICE_NO_DAEMON: [
    'no sluiced runs in this network namespace',
    'start one: sluiced --config /etc/sluice/sluice.yaml',
  ],
  SLUICE_DAEMON_RUNS: ['a sluiced runs in this network namespace already', 'sluice health shows it; end it first'],
  SLUICE_DAEMON: ['sluiced does not answer: {reason}', 'see its log, or start it again'],
  SLUICE_NO_SYSCTL: ['unknown key "{key}"', 'sluice sysctl -a lists the keys'],
  SLUICE_BAD_SYSCTL: ['setting key "{key}": Invalid argument', 'it takes {takes}'],
  SLUICE_BAD_MARK: ['a rule of marks cannot be: {what}', 'see: sluice mark add --help'],
  SLUICE_NO_MARK: ['there is no such rule of marks: {what}', 'sluice mark list shows the rules'],
  SLUICE_FULL: ['no room for another {what}: all {limit} are in use', 'delete some, or set a larger table'],
  SLUICE_LOCKED: ['another command has held the table for {seconds} s', 'wait for it, or end it'],
  SLUICE_COMMAND: ['{command} failed: {reason}', 'run it by hand to see more'],
  SLUICE_NO_PROGRAM: ['the program {program} is not installed', 'run: apt-get install {package}'],
  SLUICE_BAD_VIP: [
    '{address} is not an IP address',
    'write it like 192.168.10.100 or fd00::1, without a prefix length',
  ],
  SLUICE_LAB_UP: ['lab {prefix} is up already', 'run: sluice lab down {lab} --prefix {prefix}'],
  SLUICE_LAB_BUSY: ['lab {prefix} is in the hands of process {pid}', 'wait for it, or interrupt it'],
  SLUICE_LAB_DOWN: ['lab {prefix} is not up', 'run: sluice lab up {lab} --prefix {prefix}'],
  SLUICE_LAB_FOREIGN: ['{what} is there already and this lab did not make it', 'remove it, or choose another --prefix'],
  SLUICE_LAB_STATE: [
    'the record of the lab {path} cannot be read: {reason}',
    'remove what it names by hand, then the file',
  ],
  SLUICE_INSTALL_FOREIGN: [
    '{path} is there already and is not ours',
    'sluice install --force moves it aside, and sluice uninstall brings it back; a folder must be moved by hand',
  ],
  SLUICE_INSTALL_FAILED: [
    '{path} cannot be changed: {reason}',
    'nothing was changed; run the command as root, or with another --root',
  ],
  SLUICE_INSTALL_RECORD: [
    'the record of the installation {path} cannot be read: {reason}',
    'remove what it names by hand, then the file',
  ],
} as const satisfies Record<string, readonly [message: string, hint: string]>

export type SluiceErrorCode = keyof typeof registry

const brand = Symbol.for('sluice.error')

/** An error with a stable `code`; `message` is one line and ends with what to do next. */
export class SluiceError extends Error {
  override readonly name = 'SluiceError'
  readonly [brand] = true
  readonly hint: string

  constructor(
    readonly code: SluiceErrorCode,
    readonly details: Readonly<Record<string, string | number>> = {},
    options?: ErrorOptions,
  ) {
    const fill = (text: string) => text.replace(/\{(\w+)\}/g, (_, key: string) => String(details[key] ?? `{${key}}`))
    const [message, hint] = registry[code]
    super(`${code}: ${fill(message)}; ${fill(hint)}`, options)
    this.hint = fill(hint)
  }

  /** True also for an error of another copy of the package. */
  static is(error: unknown): error is SluiceError {
    return error instanceof Error && (error as { [brand]?: boolean })[brand] === true
  }
}

/** Every code with its templates, for the documentation. */
export const errorRegistry: Readonly<Record<SluiceErrorCode, readonly [message: string, hint: string]>> = registry
