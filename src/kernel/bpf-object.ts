import { bpf, Command } from './bpf-call.js'
import { Memory } from './syscall.js'

/** A file descriptor; {@link closeFd} ends it. */
export type Fd = number

/**
 * Opens what is pinned at a path of a BPF file system.
 * @throws KernelError ENOENT where nothing is, EPERM without the capability, EACCES for a path elsewhere.
 */
export function objGet(path: string): Fd {
  return bpf(Command.OBJ_GET, path, (attr) => attr.setPointer(0, Memory.string(path)))
}

/** Pins a map, program or link. @throws KernelError EEXIST, ENOENT for a missing directory. */
export function objPin(fd: Fd, path: string): void {
  bpf(Command.OBJ_PIN, path, (attr) => {
    attr.setPointer(0, Memory.string(path))
    attr.setU32(8, fd)
  })
}

/** What the kernel tells of an object: `size` bytes, zero where this kernel tells less. */
export function objInfo(fd: Fd, size: number): Memory {
  const info = new Memory(size)
  bpf(Command.OBJ_GET_INFO_BY_FD, `fd ${fd}`, (attr) => {
    attr.setU32(0, fd)
    attr.setU32(4, size)
    attr.setPointer(8, info)
  })
  return info
}
