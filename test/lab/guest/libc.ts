// SPDX-License-Identifier: GPL-2.0-only
// The C library calls the lab needs: processes, network namespaces, sockets and the clock, typed.
//
// The lab has its own short list instead of the program's, so that it judges the program with nothing of the program's.
// Numbers are those of Linux on x86_64: the guest kernel is User-Mode Linux, which runs only there.

/** C memory: counted from 0, unchecked. */
export interface Memory<Value> {
  [index: number]: Value;
}

export interface PollEntry {
  fd: number;
  events: number;
  revents: number;
}

/** @noSelf */
interface LibC {
  poll(entries: unknown, count: number, timeoutMs: number): number;
  fork(): number;
  execvp(file: string, argv: unknown): number;
  _exit(status: number): void;
  waitpid(pid: number, status: unknown, options: number): number;
  kill(pid: number, signal: number): number;
  pipe2(ends: unknown, flags: number): number;
  open(path: string, flags: number, ...mode: unknown[]): number;
  close(fd: number): number;
  dup2(from: number, to: number): number;
  setns(fd: number, kind: number): number;
  if_nametoindex(name: string): number;
  socket(domain: number, kind: number, protocol: number): number;
  bind(fd: number, address: unknown, lengthBytes: number): number;
  connect(fd: number, address: unknown, lengthBytes: number): number;
  setsockopt(fd: number, level: number, name: number, value: unknown, lengthBytes: number): number;
  send(fd: number, data: unknown, lengthBytes: number, flags: number): number;
  sendto(fd: number, data: unknown, lengthBytes: number, flags: number, address: unknown, addressBytes: number): number;
  recvfrom(fd: number, data: unknown, lengthBytes: number, flags: number, address: unknown, size: unknown): number;
}

/** @noSelf */
interface Ffi {
  readonly C: LibC;
  cdef(declarations: string): void;
  new: (type: string, ...initialisers: unknown[]) => unknown;
  cast(type: string, value: unknown): unknown;
  copy(destination: unknown, source: unknown, lengthBytes: number): void;
  sizeof(value: unknown): number;
  string(bytes: unknown, lengthBytes: number): string;
  errno(): number;
}

export const ffi = require("ffi") as Ffi;

ffi.cdef(`
  typedef struct { int fd; short events, revents; } lab_poll_entry;
  typedef struct { uint16_t family, port; uint8_t address[4]; uint8_t zero[8]; } lab_inet_address;
  typedef struct {
    uint16_t family, protocol; int index; uint16_t hardware; uint8_t packet_type, length; uint8_t address[8];
  } lab_link_address;
  typedef struct { uint16_t family; char path[108]; } lab_unix_address;
  int poll(void *, unsigned long, int);
  int fork(void);
  int execvp(const char *, char *const *);
  void _exit(int);
  int waitpid(int, int *, int);
  int kill(int, int);
  int pipe2(int *, int);
  int open(const char *, int, ...);
  int close(int);
  int dup2(int, int);
  int setns(int, int);
  unsigned if_nametoindex(const char *);
  int socket(int, int, int);
  int bind(int, const void *, unsigned);
  int connect(int, const void *, unsigned);
  int setsockopt(int, int, int, const void *, unsigned);
  long send(int, const void *, size_t, int);
  long sendto(int, const void *, size_t, int, const void *, unsigned);
  long recvfrom(int, void *, size_t, int, void *, unsigned *);
`);

export const C = ffi.C;

export const POLLIN = 0x1;
export const SIGKILL = 9;
export const SIGTERM = 15;
export const WNOHANG = 1;
export const O_RDONLY = 0;
export const O_WRONLY_CREATE_APPEND = 0x1 | 0x40 | 0x400;
export const CLONE_NEWNET = 0x40000000;
export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_PACKET = 17;
/** Daemons started later do not inherit what is opened with it. */
export const O_CLOEXEC = 0x80000;
export const SOCK_DGRAM_NONBLOCK = 0x2 | 0x800 | O_CLOEXEC;
export const SOL_SOCKET = 1;
export const SO_RCVBUFFORCE = 33;
export const SO_MARK = 36;

/** Ends the run unless the call succeeded: in the lab, a failing system call is a mistake of the lab. */
export function mustSucceed(result: number, what: string): number {
  if (result < 0) error(`${what}: error ${ffi.errno()}`, 0);
  return result;
}

/** A 16-bit number in network byte order, as a little-endian machine keeps it. */
export function networkOrder16(value: number): number {
  return ((value & 0xff) << 8) | ((value >> 8) & 0xff);
}

/** A `sockaddr_in` for an address such as "10.0.1.1". */
export function inetAddress(address: string, port: number): unknown {
  const made = ffi.new("lab_inet_address") as { family: number; port: number; address: Memory<number> };
  made.family = AF_INET;
  made.port = networkOrder16(port);
  let index = 0;
  for (const [octet] of string.gmatch(address, "%d+")) {
    made.address[index] = tonumber(octet)!;
    index += 1;
  }
  return made;
}
