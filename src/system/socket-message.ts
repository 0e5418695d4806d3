// SPDX-License-Identifier: GPL-2.0-only
// Messages made of pieces of memory, and the call that hands many of them to the kernel at once (sendmmsg(2)).
//
// The call goes to the kernel directly: musl's sendmmsg makes one system call a message on 64-bit machines.

import { abi } from "./abi/constants";
import { declareC, type Ptr, typeOf } from "./ffi";

/** struct iovec */
export interface Piece {
  base: unknown;
  lengthBytes: number;
}

/** The kernel's struct mmsghdr; the C libraries' own differs from it in padding. Fields not named stay zero. */
export interface Message {
  name: unknown;
  nameBytes: number;
  pieces: unknown;
  pieceCount: number;
}

/** @noSelf */
interface MessageLibrary {
  vpnmasq_sendmmsg(call: number, fd: number, messages: Ptr<Message>, count: number, flags: number): number;
}

// Fixed parameters, because LuaJIT passes a variadic function's numbers as floating point; int is all that it returns.
const C = declareC<MessageLibrary>(
  'int vpnmasq_sendmmsg(long call, long fd, void *messages, long count, long flags) __asm__("syscall");',
);

/** sys/socket.h: fail instead of waiting for room. */
const MSG_DONTWAIT = 0x40;

/** Arrays of a length given to `create`. What they point to must be kept reachable by who fills them. */
export const messageArray = typeOf<Ptr<Message>>(`struct {
  struct {
    void *name; int nameBytes; void *pieces; size_t pieceCount; void *control; size_t controlBytes; unsigned flags;
  };
  unsigned sentBytes;
}[?]`);
export const pieceArray = typeOf<Ptr<Piece>>("struct { void *base; size_t lengthBytes; }[?]");

/** Sends `count` messages; how many left, or a negative number when the first one failed (see `lastErrorNumber`). */
export function sendMessages(fd: number, messages: Ptr<Message>, count: number): number {
  return C.vpnmasq_sendmmsg(abi.SYS_sendmmsg, fd, messages, count, MSG_DONTWAIT);
}
