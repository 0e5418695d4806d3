// SPDX-License-Identifier: GPL-2.0-only
// Pings: echo requests within a tunnel, which the ping pin steers onto the right SA.
//
// It only sends. Any packet on the incoming SA is the answer, and the SA's counter tells of it, so an echo reply that
// is lost or filtered does no harm where other packets come in.

import { byteArray, create } from "../system/ffi";
import { sendIcmp } from "../system/icmp-socket";
import type { Outcome } from "../system/outcome";
import { randomWord } from "../system/random";
import { ICMP_HEADER_BYTES } from "../wire/icmp";
import { writeEchoRequest } from "../wire/icmp-echo";

/** Inner addresses (words) of a ping. */
export interface PingPath {
  readonly source: number;
  readonly target: number;
}

export class Pinger {
  private readonly message = create(byteArray, ICMP_HEADER_BYTES);
  private readonly identifier = randomWord() & 0xffff;
  private sequence = 0;

  /** Sends one; a refusal by the kernel is not a missing answer, so it is told. */
  ping({ source, target }: PingPath): Outcome<true> {
    this.sequence = (this.sequence + 1) & 0xffff;
    const lengthBytes = writeEchoRequest(this.message, 0, this.identifier, this.sequence);
    return sendIcmp(source, target, this.message, lengthBytes);
  }
}
