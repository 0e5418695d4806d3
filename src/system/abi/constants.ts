// SPDX-License-Identifier: GPL-2.0-only
// Linux' numbers that differ between architectures, as data: one table each, and the one that holds here.
//
// Most architectures share one set (include/uapi/asm-generic); MIPS keeps IRIX' numbers, PowerPC and ARM differ in a
// few. Numbers that are equal everywhere stand beside the code that uses them.

/** What the layer needs of an architecture. */
export interface AbiNumbers {
  /** sys/socket.h, asm/socket.h */
  readonly SOL_SOCKET: number;
  readonly SO_ERROR: number;
  readonly SO_SNDBUFFORCE: number;
  readonly SO_RCVBUFFORCE: number;
  readonly SO_ATTACH_FILTER: number;
  readonly SOCK_STREAM: number;
  readonly SOCK_DGRAM: number;
  readonly SOCK_NONBLOCK: number;
  readonly SOCK_CLOEXEC: number;
  /** fcntl.h */
  readonly O_CREAT: number;
  readonly O_TRUNC: number;
  readonly O_APPEND: number;
  readonly O_NONBLOCK: number;
  readonly O_NOCTTY: number;
  readonly O_CLOEXEC: number;
  readonly O_DIRECTORY: number;
  /** asm/ioctls.h */
  readonly TIOCGWINSZ: number;
  /** signal.h */
  readonly SIG_BLOCK: number;
  readonly SIG_UNBLOCK: number;
  readonly SIG_SETMASK: number;
  readonly SIGUSR1: number;
  readonly SIGWINCH: number;
  /** errno.h */
  readonly ENOBUFS: number;
  /** asm/unistd.h: called directly, because musl's own sendmmsg makes one system call a message on 64 bits. */
  readonly SYS_sendmmsg: number;
  /** Likewise: no C library has a function for it. */
  readonly SYS_bpf: number;
}

/** include/uapi/asm-generic: the base of x86, ARM, RISC-V and, but for a few numbers, PowerPC. */
const generic = {
  SOL_SOCKET: 1,
  SO_ERROR: 4,
  SO_SNDBUFFORCE: 32,
  SO_RCVBUFFORCE: 33,
  SO_ATTACH_FILTER: 26,
  SOCK_STREAM: 1,
  SOCK_DGRAM: 2,
  SOCK_NONBLOCK: 0o4000,
  SOCK_CLOEXEC: 0o2000000,
  O_CREAT: 0o100,
  O_TRUNC: 0o1000,
  O_APPEND: 0o2000,
  O_NONBLOCK: 0o4000,
  O_NOCTTY: 0o400,
  O_CLOEXEC: 0o2000000,
  O_DIRECTORY: 0o200000,
  TIOCGWINSZ: 0x5413,
  SIG_BLOCK: 0,
  SIG_UNBLOCK: 1,
  SIG_SETMASK: 2,
  SIGUSR1: 10,
  SIGWINCH: 28,
  ENOBUFS: 105,
  SYS_sendmmsg: 269,
  SYS_bpf: 280,
} satisfies AbiNumbers;

/** arch/mips/include/uapi/asm: both byte orders of the 32-bit "o32" binary interface. */
const mips = {
  SOL_SOCKET: 0xffff,
  SO_ERROR: 0x1007,
  SO_SNDBUFFORCE: 31,
  SO_RCVBUFFORCE: 33,
  SO_ATTACH_FILTER: 26,
  SOCK_STREAM: 2,
  SOCK_DGRAM: 1,
  SOCK_NONBLOCK: 0x80,
  SOCK_CLOEXEC: 0x80000,
  O_CREAT: 0x100,
  O_TRUNC: 0x200,
  O_APPEND: 0x08,
  O_NONBLOCK: 0x80,
  O_NOCTTY: 0x800,
  O_CLOEXEC: 0x80000,
  O_DIRECTORY: 0x10000,
  TIOCGWINSZ: 0x40087468,
  SIG_BLOCK: 1,
  SIG_UNBLOCK: 2,
  SIG_SETMASK: 3,
  SIGUSR1: 16,
  SIGWINCH: 20,
  ENOBUFS: 132,
  SYS_sendmmsg: 4343,
  SYS_bpf: 4355,
} satisfies AbiNumbers;

const mips64: AbiNumbers = { ...mips, SYS_sendmmsg: 5302, SYS_bpf: 5315 };

/** By the name LuaJIT gives the architecture in `jit.arch` (lj_arch.h): of MIPS alone it names the byte order. */
const numbersOf: Record<string, AbiNumbers> = {
  x86: { ...generic, SYS_sendmmsg: 345, SYS_bpf: 357 },
  x64: { ...generic, SYS_sendmmsg: 307, SYS_bpf: 321 },
  arm: { ...generic, O_DIRECTORY: 0o40000, SYS_sendmmsg: 374, SYS_bpf: 386 },
  arm64: { ...generic, O_DIRECTORY: 0o40000 },
  riscv64: generic,
  ppc: { ...generic, TIOCGWINSZ: 0x40087468, O_DIRECTORY: 0o40000, SYS_sendmmsg: 349, SYS_bpf: 361 },
  mips,
  mipsel: mips,
  mips64,
  mips64el: mips64,
};

function numbersHere(): AbiNumbers {
  const numbers = numbersOf[jit.arch];
  if (jit.os !== "Linux" || numbers === undefined) {
    error(
      `vpnmasq runs on Linux on x86, x64, arm, arm64, riscv64, ppc, mips, mipsel, mips64, mips64el; here: ${jit.os}, ${jit.arch}`,
    );
  }
  return numbers;
}

/** The numbers of the machine this runs on. */
export const abi: AbiNumbers = numbersHere();
