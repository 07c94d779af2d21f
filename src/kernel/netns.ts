import { allocate, c, checked, closeFd } from './syscall.js'

const AF_INET = 2
const SOCK_DGRAM = 2
const SOL_SOCKET = 1
const SO_NETNS_COOKIE = 71
const O_RDONLY_CLOEXEC = 0o2000000

/** A number that names the network namespace of this process, never used again for another one. */
export function netnsCookie(): bigint {
  const fd = checked('socket', c('int socket(int domain, int type, int protocol)')(AF_INET, SOCK_DGRAM, 0))
  try {
    const m = allocate(16)
    m.view.setUint32(8, 8, true)
    const get = c('int getsockopt(int fd, int level, int name, uint64_t value, uint64_t length)')
    checked('getsockopt SO_NETNS_COOKIE', get(fd, SOL_SOCKET, SO_NETNS_COOKIE, m.address, m.address + 8n))
    return m.view.getBigUint64(0, true)
  } finally {
    closeFd(fd)
  }
}

export function openNetns(path: string): number {
  return checked(`open ${path}`, c('int open(const char *path, int flags, ...)')(path, O_RDONLY_CLOEXEC))
}
