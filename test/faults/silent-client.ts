// SPDX-License-Identifier: GPL-2.0-only
// A client of a unix socket that sends and never reads.

import { abi } from "../../src/system/abi/constants";
import { byteArray, type BytePtr, copyBytes, create, declareC, typeOf } from "../../src/system/ffi";

/** struct sockaddr_un */
interface UnixAddress {
  family: number;
  path: BytePtr;
}

/** @noSelf */
interface ClientLibrary {
  socket(family: number, type: number, protocol: number): number;
  connect(fd: number, address: UnixAddress, lengthBytes: number): number;
  send(fd: number, text: string, lengthBytes: number, flags: number): number;
}

const C = declareC<ClientLibrary>(`
  int socket(int family, int type, int protocol);
  int connect(int fd, const void *address, unsigned length);
  ssize_t send(int fd, const void *buffer, size_t length, int flags);
`);

/** sys/socket.h, sys/un.h */
const AF_UNIX = 1;
const MSG_NOSIGNAL = 0x4000;
const PATH_BYTES = 108;
const address = typeOf<UnixAddress>(`struct { uint16_t family; uint8_t path[${PATH_BYTES}]; }`);

export class SilentClient {
  private constructor(readonly fd: number) {}

  static connect(this: void, path: string): SilentClient {
    const fd = C.socket(AF_UNIX, abi.SOCK_STREAM + abi.SOCK_NONBLOCK, 0);
    const to = create(address);
    to.family = AF_UNIX;
    const text = create(byteArray, PATH_BYTES);
    copyBytes(text, path, string.len(path));
    copyBytes(to.path, text, PATH_BYTES);
    if (C.connect(fd, to, 2 + PATH_BYTES) !== 0) error(`${path}: no connection`, 0);
    return new SilentClient(fd);
  }

  /** As much as the socket takes. */
  send(text: string): void {
    C.send(this.fd, text, string.len(text), MSG_NOSIGNAL);
  }
}
