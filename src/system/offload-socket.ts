// SPDX-License-Identifier: GPL-2.0-only
// Sends frames whose sender left work to hardware: unfinished checksums, and large frames to be cut into segments.
//
// Each goes out with its offload header (PACKET_VNET_HDR), so the kernel or the card does that work as for a frame of
// its own. The socket never bypasses queueing: the direct way to the driver drops frames that need cutting in software.

import { errno } from "./errno";
import { byteArray, type BytePtr, copyBytes, create, lastErrorNumber } from "./ffi";
import { bindToLink, closeSocket, LINK_ADDRESS_BYTES, openPacketSocket } from "./link-address";
import { packetOption, setPacketOption, setSocketBuffer } from "./link-address";
import { moveOffsets, OFFLOAD_HEADER_BYTES, seedChecksum } from "./offload-header";
import { fail, type Outcome, succeed } from "./outcome";
import { addressFor } from "./send-queue";
import { messageArray, pieceArray, sendMessages } from "./socket-message";

/** Room for some large frames of 64 kB on their way to the driver. */
const SEND_BUFFER_BYTES = 1 << 20;

export class OffloadSocket {
  sent = 0;
  drops = 0;
  errors = 0;

  private readonly header = create(byteArray, OFFLOAD_HEADER_BYTES);
  private readonly pieces = create(pieceArray, 2);
  private readonly message = create(messageArray, 1);
  private readonly address;

  private constructor(
    private fd: number,
    interfaceIndex: number,
    private readonly linkHeaderBytes: number,
  ) {
    this.address = addressFor(interfaceIndex, linkHeaderBytes);
    this.pieces[0].base = this.header;
    this.pieces[0].lengthBytes = OFFLOAD_HEADER_BYTES;
    this.message[0].pieces = this.pieces;
    this.message[0].pieceCount = 2;
    if (this.address !== undefined) {
      this.message[0].name = this.address;
      this.message[0].nameBytes = LINK_ADDRESS_BYTES;
    }
  }

  static open(this: void, interfaceIndex: number, linkHeaderBytes: number): Outcome<OffloadSocket> {
    const [fd, problem] = openPacketSocket();
    if (fd === undefined) return fail(problem);
    setSocketBuffer(fd, "send", SEND_BUFFER_BYTES);
    let [done, cause] = setPacketOption(fd, packetOption.offloadHeader, 1, "no offload headers");
    if (done !== undefined) [done, cause] = bindToLink(fd, interfaceIndex, 0);
    if (done === undefined) {
      closeSocket(fd);
      return fail(cause!);
    }
    return succeed(new OffloadSocket(fd, interfaceIndex, linkHeaderBytes));
  }

  /**
   * Sends `lengthBytes` from `frame + at` at once.
   *
   * @param header the offload header of the frame that starts at `frame`
   */
  send(header: BytePtr, frame: BytePtr, at: number, lengthBytes: number): void {
    copyBytes(this.header, header, OFFLOAD_HEADER_BYTES);
    moveOffsets(this.header, -at);
    const start = frame.plus(at);
    seedChecksum(this.header, start, this.linkHeaderBytes, lengthBytes);
    const piece = this.pieces[1];
    piece.base = start;
    piece.lengthBytes = lengthBytes;
    if (sendMessages(this.fd, this.message, 1) === 1) {
      this.sent += 1;
      return;
    }
    const cause = lastErrorNumber();
    if (cause === errno.EAGAIN || cause === errno.ENOBUFS) this.drops += 1;
    else this.errors += 1;
  }

  close(): void {
    if (this.fd >= 0) closeSocket(this.fd);
    this.fd = -1;
  }
}
