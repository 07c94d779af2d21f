import type { IpvsErrno } from '../ipvs/types.js'
import type { CommandName } from './grammar.js'

/** What ipvsadm says of an errno that means the same whatever was asked. */
const texts: Readonly<Record<IpvsErrno, string>> = {
  EPERM: 'Permission denied (you must be root)',
  EINVAL: 'Invalid operation.  Possibly wrong module version, address not unicast, ...',
  ENOMEM: 'Memory allocation problem',
  EOPNOTSUPP: 'Operation not supported with IPv6',
  EAFNOSUPPORT: 'Operation not supported with specified address family',
  EEXIST: 'File exists',
  ESRCH: 'No such process',
  ENOENT: 'No such file or directory',
  ERANGE: 'Numerical result out of range',
  ENOSPC: 'No space left on device',
  ENODEV: 'No such device',
}

/** What it says of one by the command that was refused. */
const textsByCommand: Readonly<Partial<Record<CommandName, Partial<Record<IpvsErrno, string>>>>> = {
  'add-service': { EEXIST: 'Service already exists', ENOENT: 'Scheduler or persistence engine not found' },
  'edit-service': { ESRCH: 'No such service', ENOENT: 'Scheduler or persistence engine not found' },
  'delete-service': { ESRCH: 'No such service' },
  zero: { ESRCH: 'No such service' },
  list: { ESRCH: 'No such service' },
  'add-server': { ESRCH: 'Service not defined', EEXIST: 'Destination already exists' },
  'edit-server': { ESRCH: 'Service not defined', ENOENT: 'No such destination' },
  'start-daemon': { EEXIST: 'Daemon has already run' },
  'stop-daemon': { ESRCH: 'No daemon is running' },
  'delete-server': { ESRCH: 'Service not defined', ENOENT: 'No such destination' },
}

/** ipvsadm's text for a refusal of the table. */
export function refusalText(command: CommandName, errno: IpvsErrno): string {
  return textsByCommand[command]?.[errno] ?? texts[errno]
}

/** What ipvsadm says where it may not reach the table. */
export const cannotInitialize = `Can't initialize ipvs: ${texts.EPERM}
Are you sure that IP Virtual Server is built in the kernel or as module?`
