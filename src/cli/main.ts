import { runCommand } from './program.js'

// whoever reads has seen enough (`sluice status | head`): what is under way, and its cleaning up, goes on
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}

process.exitCode = await runCommand(process.argv.slice(2))
