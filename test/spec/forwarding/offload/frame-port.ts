// SPDX-License-Identifier: GPL-2.0-only
// A host's way to send frames exactly as a spec wrote them: wrong checksums, lies about lengths, padding and all.

import { BytePtr, declareC } from "../../../../src/system/ffi";
import { bindToLink, closeSocket, openPacketSocket } from "../../../../src/system/link-address";
import { bufferOf, type Octets } from "../../frame";
import { linkNamed, must } from "../../system/network";
import type { Namespace } from "../namespace";

/** @noSelf */
interface SendLibrary {
  send(fd: number, bytes: BytePtr, lengthBytes: number, flags: number): number;
}

const C = declareC<SendLibrary>("ssize_t send(int fd, const void *bytes, size_t length, int flags);");

export class FramePort {
  private readonly fd: number;

  constructor(namespace: Namespace, interfaceName: string) {
    this.fd = namespace.inside(() => {
      const fd = must(openPacketSocket());
      must(bindToLink(fd, linkNamed(interfaceName).index, 0));
      return fd;
    });
  }

  send(frame: Octets): void {
    const sent = tonumber(C.send(this.fd, bufferOf(frame) as BytePtr, frame.length, 0));
    if (sent !== frame.length) error(`frame of ${frame.length} bytes not sent`, 0);
  }

  close(): void {
    closeSocket(this.fd);
  }
}
