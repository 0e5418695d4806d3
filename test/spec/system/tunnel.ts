// SPDX-License-Identifier: GPL-2.0-only
// A tun interface for specs: packets written to it are received by the kernel, packets sent through it can be read.

import { abi } from "../../../src/system/abi/constants";
import {
  byteArray,
  type BytePtr,
  copyBytes,
  create,
  declareC,
  isLittleEndian,
  stringOf,
} from "../../../src/system/ffi";
import { demandOwnNetwork, shell } from "./network";

/** @noSelf */
interface TunnelLibrary {
  open(path: string, flags: number, mode: number): number;
  spec_ioctl(fd: number, request: number, value: BytePtr): number;
  read(fd: number, buffer: BytePtr, lengthBytes: number): number;
  write(fd: number, buffer: BytePtr, lengthBytes: number): number;
  close(fd: number): number;
}

const C = declareC<TunnelLibrary>(`
  int open(const char *path, int flags, unsigned mode);
  int spec_ioctl(int fd, unsigned long request, void *value) __asm__("ioctl");
  ssize_t read(int fd, void *buffer, size_t length);
  ssize_t write(int fd, const void *buffer, size_t length);
  int close(int fd);
`);

const O_RDWR = 2;
/** linux/if_tun.h: the request's number has its direction in other bits on MIPS and PowerPC. */
const TUNSETIFF = jit.arch === "ppc" || string.sub(jit.arch, 1, 4) === "mips" ? 0x800454ca : 0x400454ca;
/** IFF_TUN and IFF_NO_PI: packets and nothing around them. */
const FLAGS = [0x01, 0x10];
/** struct ifreq: a name of 16 bytes, then the flags. */
const REQUEST_BYTES = 40;
const FLAGS_AT = 16;
const PACKET_BYTES_MAX = 2048;

export class Tunnel {
  readonly name = "spectun";
  private readonly fd: number;
  private readonly buffer = create(byteArray, PACKET_BYTES_MAX);

  constructor() {
    demandOwnNetwork();
    this.fd = C.open("/dev/net/tun", O_RDWR | abi.O_NONBLOCK | abi.O_CLOEXEC, 0);
    const request = create(byteArray, REQUEST_BYTES);
    copyBytes(request, this.name, string.len(this.name));
    const [low, high] = FLAGS;
    // A 16-bit number in the CPU's byte order.
    request[FLAGS_AT + (isLittleEndian ? 0 : 1)] = low;
    request[FLAGS_AT + (isLittleEndian ? 1 : 0)] = high;
    if (this.fd < 0 || C.spec_ioctl(this.fd, TUNSETIFF, request) !== 0) error("no tun interface", 0);
    shell(`sysctl -q net.ipv6.conf.${this.name}.disable_ipv6=1 || true`);
    shell(`ip link set ${this.name} up`);
  }

  write(packet: BytePtr, lengthBytes: number): void {
    if (tonumber(C.write(this.fd, packet, lengthBytes)) !== lengthBytes) error("packet not written", 0);
  }

  read(): string {
    const count = tonumber(C.read(this.fd, this.buffer, PACKET_BYTES_MAX))!;
    return count < 0 ? "" : stringOf(this.buffer, count);
  }

  close(): void {
    C.close(this.fd);
  }
}
