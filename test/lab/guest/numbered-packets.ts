// SPDX-License-Identifier: GPL-2.0-only
// Packets through a tunnel that carry their number, so that their order shows.

import type { End } from "./end-watch";
import { AF_INET, C, ffi, inetAddress, type Memory, mustSucceed, SOCK_DGRAM_NONBLOCK } from "./libc";
import { inNamespace } from "./namespace";

const INET_ADDRESS_BYTES = 16;

/** Numbered packets from one end to the other, and the numbers in the order in which they arrive. */
export class NumberedPackets {
  readonly numbers: number[] = [];
  private readonly payload = ffi.new("double[1]") as Memory<number>;
  private readonly from: number;
  private readonly to: number;
  private sent = 0;

  constructor(
    near: End,
    private readonly far: End,
    private readonly port: number,
  ) {
    this.from = udpSocket(near, port);
    this.to = udpSocket(far, port);
  }

  send(count: number): void {
    for (const _ of $range(1, count)) {
      this.sent += 1;
      this.payload[0] = this.sent;
      C.sendto(this.from, this.payload, 8, 0, inetAddress(this.far.innerAddress, this.port), INET_ADDRESS_BYTES);
    }
  }

  /** How many have arrived by now. */
  arrived(): number {
    while (tonumber(C.recvfrom(this.to, this.payload, 8, 0, undefined, undefined))! >= 0) {
      this.numbers.push(this.payload[0]);
    }
    return this.numbers.length;
  }

  isInOrder(): boolean {
    return this.numbers.every((number, index) => index === 0 || number > this.numbers[index - 1]);
  }

  close(): void {
    C.close(this.from);
    C.close(this.to);
  }
}

function udpSocket({ namespace, innerAddress }: End, port: number): number {
  return inNamespace(namespace, () => {
    const fd = mustSucceed(C.socket(AF_INET, SOCK_DGRAM_NONBLOCK, 0), "UDP socket");
    mustSucceed(C.bind(fd, inetAddress(innerAddress, port), INET_ADDRESS_BYTES), `bind ${innerAddress}:${port}`);
    return fd;
  });
}
