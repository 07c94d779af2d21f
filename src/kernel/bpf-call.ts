import { Memory, syscall, syscallNumber, throwErrno } from './syscall.js'

/** Commands of bpf(2), from the kernel's uapi/linux/bpf.h. */
export const Command = {
  MAP_CREATE: 0,
  MAP_LOOKUP_ELEM: 1,
  MAP_UPDATE_ELEM: 2,
  MAP_DELETE_ELEM: 3,
  MAP_GET_NEXT_KEY: 4,
  PROG_LOAD: 5,
  OBJ_PIN: 6,
  OBJ_GET: 7,
  PROG_TEST_RUN: 10,
  OBJ_GET_INFO_BY_FD: 15,
  PROG_QUERY: 16,
  BTF_GET_FD_BY_ID: 19,
  MAP_LOOKUP_BATCH: 24,
  LINK_CREATE: 28,
  LINK_UPDATE: 29,
  LINK_DETACH: 34,
} as const

const names = new Map(Object.entries(Command).map(([name, number]) => [number as number, `BPF_${name}`]))

/** No command used here has a longer one; kernels that know less take it as long as what they do not know is zero. */
const ATTR_SIZE = 128

let attr: Memory | undefined

/**
 * One bpf(2) call that may fail.
 *
 * @param fill writes the fields of `union bpf_attr`, which comes zeroed; it must not call bpf(2) itself.
 * @returns the result, negative with errno set on failure, and the attributes as the kernel left them, to be read before
 * the next call.
 */
export function tryBpf(
  command: number,
  fill: (attr: Memory) => void,
): { readonly result: number; readonly attr: Memory } {
  attr ??= new Memory(ATTR_SIZE)
  attr.clear()
  fill(attr)
  return { result: syscall(syscallNumber('bpf'), command, attr.address, ATTR_SIZE), attr }
}

/** One bpf(2) call. @throws KernelError that names the command and `about`. */
export function bpf(command: number, about: string, fill: (attr: Memory) => void): number {
  const { result } = tryBpf(command, fill)
  if (result < 0) throwErrno(bpfCallName(command, about))
  return result
}

export function bpfCallName(command: number, about: string): string {
  return `bpf(${names.get(command) ?? command}, ${about})`
}
