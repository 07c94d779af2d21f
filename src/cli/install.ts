import { isAbsolute } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { type Action, install, uninstall } from '../install/index.js'
import { print, printJson } from './output.js'

interface Options {
  readonly root: string
  readonly force?: boolean
  readonly dryRun?: boolean
  readonly json?: boolean
}

interface InstallFlags extends Options {
  readonly sbin: string
  readonly units: string
  readonly enable: boolean
}

function folder(text: string): string {
  if (!isAbsolute(text)) throw new InvalidArgumentError('Write it from the root on, like /usr/sbin.')
  return text
}

/** `sluice install` */
export const installCommand = (): Command =>
  new Command('install')
    .description('put ipvsadm, ipvsadm-save, ipvsadm-restore, sluice and sluiced into place, and units for systemd')
    .option('--sbin <dir>', 'folder of the commands', folder, '/usr/local/sbin')
    .option('--units <dir>', "folder of systemd's units", folder, '/etc/systemd/system')
    .option('--no-enable', 'do not start the unit at boot')
    .option('--root <dir>', 'put everything below this folder', '/')
    .option('--force', 'move aside what is in the way and not ours; uninstall brings it back')
    .option('--dry-run', 'say what would be done, and do nothing')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nThe unit restores /etc/sysconfig/ipvsadm (on Debian /etc/ipvsadm.rules) at its start and saves it at its stop.\n' +
        'It is not started now: that empties the table and loads the file. sluiced.service is put into place and not\n' +
        'enabled: systemctl enable --now sluiced does, with /etc/sluice/sluice.yaml there. See docs/install.md.',
    )
    .action((flags: InstallFlags) => {
      const actions = install({ ...flags, force: flags.force ?? false, dryRun: flags.dryRun ?? false })
      report(actions, flags)
    })

/** `sluice uninstall` */
export const uninstallCommand = (): Command =>
  new Command('uninstall')
    .description('undo sluice install')
    .option('--root <dir>', 'as it was given to install', '/')
    .option('--force', 'remove what was changed since, too')
    .option('--dry-run', 'say what would be done, and do nothing')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nThe table, and packets, are left alone: see sluice detach --flush.')
    .action((flags: Options) => {
      const actions = uninstall({ root: flags.root, force: flags.force ?? false, dryRun: flags.dryRun ?? false })
      if (actions || flags.json) report(actions ?? [], flags)
      else print('nothing is installed')
    })

function report(actions: readonly Action[], { root, json, dryRun = false }: Options): void {
  if (json)
    printJson({ root, dryRun, actions: actions.map(({ action, path, ...rest }) => ({ action, path, ...rest })) })
  else print(...actions.map((each) => `${dryRun ? 'would ' : ''}${sentence(each, dryRun)}`))
}

/** @param infinitive "link" instead of "linked" */
function sentence(action: Action, infinitive: boolean): string {
  const say = (now: string, past: string) => (infinitive ? now : past)
  switch (action.action) {
    case 'make':
      return `${say('make', 'made')} the folder ${action.path}`
    case 'backup':
      return `${say('move', 'moved')} ${action.path} aside to ${action.to}`
    case 'link':
      return `${say('link', 'linked')} ${action.path} to ${action.target}`
    case 'write':
      return `${say('write', 'wrote')} ${action.path}`
    case 'keep':
      return `${say('keep', 'kept')} ${action.path}, which is there already`
    case 'remove':
      return `${say('remove', 'removed')} ${action.kind === 'directory' ? 'the folder ' : ''}${action.path}`
    case 'restore':
      return `${say('bring', 'brought')} back ${action.path} from ${action.from}`
    case 'leave': {
      const beside = action.backup === undefined ? '' : ` (what was there before is ${action.backup})`
      return `${say('leave', 'left')} ${action.path}, which was changed since${beside}`
    }
  }
}
