// SPDX-License-Identifier: GPL-2.0-only
// What a session went through, seen from the middle: enough to know how long it may be silent (RFC 5382 REQ-5).
//
// A state is the set of TCP flags that each side has sent, the client's in the low byte and the remote's in the next:
// two bit operations a segment, without a case for each state, and a simultaneous open or close needs no rule of its
// own. Sequence numbers are not followed. So a forged RST cannot be told from a real one, and ends nothing: it only
// shortens the time that the session may be silent, until the next segment shows it alive (RFC 7857 §2.2). UDP and ICMP
// have no flags, only whether the remote has answered.

import { TcpFlag } from "../wire/tcp";

/** The flags that a state remembers. */
export const TRACKED_FLAGS: number = TcpFlag.Fin | TcpFlag.Syn | TcpFlag.Rst | TcpFlag.Ack;

/** How far the remote's flags are from the client's. */
export const REMOTE_SHIFT = 8;

/** Both sides' RST: taken back by any later segment. */
export const RESET: number = TcpFlag.Rst | (TcpFlag.Rst << REMOTE_SHIFT);

/** Set for every protocol when the remote has sent anything on the session. */
export const ANSWERED = 0x8000;

/** The kernel forwards the client's packets itself: see FlowFastPath. */
export const FLOW_OFFLOADED_OUT = 1 << 16;
/** Likewise the remote's. */
export const FLOW_OFFLOADED_IN = 1 << 17;
export const FLOW_OFFLOADED_MASK: number = FLOW_OFFLOADED_OUT | FLOW_OFFLOADED_IN;
/** Its packets came joined to large frames, which the kernel's programs leave to us: all of them stay, in their order. */
export const FLOW_JOINED = 1 << 18;

/** What {@link openingState} answers for a segment that cannot be a session's first. */
export const NOT_OPENING = -1;

const BOTH_FINS = TcpFlag.Fin | (TcpFlag.Fin << REMOTE_SHIFT);
const HALF_HANDSHAKE = TcpFlag.Syn | TcpFlag.Ack;
const REMOTE_SYN = TcpFlag.Syn << REMOTE_SHIFT;
const HANDSHAKE = HALF_HANDSHAKE | (HALF_HANDSHAKE << REMOTE_SHIFT);

/** Segments that change more than how long ago the session was in use. */
export const TURNING_FLAGS: number = TcpFlag.Fin | TcpFlag.Syn | TcpFlag.Rst;

/** What people call a session's state. */
export type FlowStage = "opening" | "established" | "half-closed" | "closed" | "reset" | "unanswered" | "answered";

/** Whether the connection was reset or closed by both, so that a new SYN starts another one. */
function isTcpOver(state: number): boolean {
  return (state & RESET) !== 0 || (state & BOTH_FINS) === BOTH_FINS;
}

/**
 * The state after the first segment of a session, which is always the client's.
 *
 * An ACK in mid-course is taken for a connection from before a restart: where its port is free again it goes on as if
 * nothing had happened. It counts as established as soon as the remote acknowledges.
 *
 * @param tcpFlags of the segment
 * @param isMapped whether the client's port has a mapping, so that a SYN may have come in and be answered by this
 * @returns the state, or {@link NOT_OPENING}
 */
export function openingState(tcpFlags: number, isMapped: boolean): number {
  const flags = tcpFlags & TRACKED_FLAGS;
  if (flags === TcpFlag.Syn) return TcpFlag.Syn;
  if (flags === TcpFlag.Ack || (flags === HALF_HANDSHAKE && isMapped)) return HALF_HANDSHAKE | REMOTE_SYN;
  return NOT_OPENING;
}

/** The state after another packet of the client. A SYN on a connection that is over opens a new one on its ports. */
export function stateAfterClient(state: number, tcpFlags: number): number {
  if ((tcpFlags & TcpFlag.Syn) !== 0 && isTcpOver(state)) {
    return (tcpFlags & TcpFlag.Ack) !== 0 ? HALF_HANDSHAKE | REMOTE_SYN : TcpFlag.Syn;
  }
  return (state & ~RESET) | (tcpFlags & TRACKED_FLAGS);
}

/** The state after a packet of the remote. */
export function stateAfterRemote(state: number, tcpFlags: number): number {
  return (state & ~RESET) | ((tcpFlags & TRACKED_FLAGS) << REMOTE_SHIFT) | ANSWERED;
}

/**
 * Whether both ends are known to take part: TCP is established, or UDP or ICMP was answered. A flood with false or silent
 * remotes never gets there.
 */
export function isSettled(isTcp: boolean, state: number): boolean {
  if (!isTcp) return (state & ANSWERED) !== 0;
  return (state & (HANDSHAKE | RESET)) === HANDSHAKE && (state & BOTH_FINS) !== BOTH_FINS;
}

/**
 * Directions that the kernel can have, as flags: those of a session in which a plain packet changes nothing but the time of
 * its last use.
 */
export function offerableFlow(isTcp: boolean, state: number): number {
  const isSteady = isTcp ? flowStage(isTcp, state) === "established" : (state & ANSWERED) !== 0;
  return isSteady && (state & FLOW_JOINED) === 0 ? FLOW_OFFLOADED_MASK & ~state : 0;
}

export function flowStage(isTcp: boolean, state: number): FlowStage {
  if (!isTcp) return (state & ANSWERED) !== 0 ? "answered" : "unanswered";
  if ((state & RESET) !== 0) return "reset";
  if ((state & BOTH_FINS) === BOTH_FINS) return "closed";
  if ((state & HANDSHAKE) !== HANDSHAKE) return "opening";
  return (state & BOTH_FINS) === 0 ? "established" : "half-closed";
}
