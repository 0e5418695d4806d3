// SPDX-License-Identifier: GPL-2.0-only
// The guest's syslog: a socket where programs look for the system's logger, and what they send there.

import { AF_UNIX, C, ffi, type Memory, mustSucceed, SOCK_DGRAM_NONBLOCK } from "./libc";
import { must } from "./shell";

const SOCKET = "/dev/log";
const LINE_BYTES_MAX = 1024;

const line = ffi.new(`char[${LINE_BYTES_MAX}]`) as Memory<number>;

/** Takes what every program of the guest sends to syslog, from the moment it is made. */
export class Syslog {
  private readonly fd: number;

  constructor() {
    must(`rm -f ${SOCKET}`);
    this.fd = mustSucceed(C.socket(AF_UNIX, SOCK_DGRAM_NONBLOCK, 0), "syslog socket");
    const address = ffi.new("lab_unix_address") as { family: number; path: Memory<number> };
    address.family = AF_UNIX;
    ffi.copy(address.path, SOCKET, string.len(SOCKET));
    mustSucceed(C.bind(this.fd, address, ffi.sizeof(address)), `bind ${SOCKET}`);
  }

  /** Lines since the last time, without priority and time: `program[1234]: text`. */
  read(): string[] {
    const lines: string[] = [];
    for (;;) {
      const received = tonumber(C.recvfrom(this.fd, line, LINE_BYTES_MAX, 0, undefined, undefined))!;
      if (received < 0) return lines;
      lines.push(string.gsub(ffi.string(line, received), "^<%d+>%a+ +%d+ [%d:]+ ", "")[0]);
    }
  }

  close(): void {
    C.close(this.fd);
    must(`rm -f ${SOCKET}`);
  }
}
