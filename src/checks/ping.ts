import { spawn } from 'node:child_process'
import { type Check, failed, ok } from './check.js'

/** The server's host answers an ICMP echo request: by `ping`, which has the rights for it. */
export const pingCheck: Check = ({ address, source }, { signal }) =>
  new Promise((resolve, reject) => {
    const from = source === undefined ? [] : ['-I', source]
    const child = spawn('ping', ['-n', '-q', '-c', '1', '-W', '60', ...from, address], { stdio: 'ignore', signal })
    child.once('error', (error) => reject(signal.aborted ? signal.reason : error))
    child.once('exit', (status) => resolve(status === 0 ? ok('echo reply') : failed('no echo reply')))
  })
