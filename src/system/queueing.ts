// SPDX-License-Identifier: GPL-2.0-only
// What queues frames on their way out of an interface (linux/pkt_sched.h).

import type { Bytes } from "../wire/bytes";
import { Attributes, messageFlag, type NetlinkMessage, NetlinkRequest, readNative32 } from "./netlink";
import { NetlinkClient } from "./netlink-client";

const NETLINK_ROUTE = 0;
/** linux/rtnetlink.h: RTM_GETQDISC, struct tcmsg, TCA_KIND. */
const GET_QUEUEING = 38;
const MESSAGE_BYTES = 20;
const TCA_KIND = 1;

interface Queueing {
  readonly interfaceIndex: number;
  /** As tc(8) calls it, for instance "cake". */
  readonly kind: string;
}

function read(bytes: Bytes, { at, end }: NetlinkMessage): Queueing | undefined {
  if (end - at < MESSAGE_BYTES) return undefined;
  const kind = new Attributes(bytes, at + MESSAGE_BYTES, end).text(TCA_KIND);
  return kind === undefined ? undefined : { interfaceIndex: readNative32(bytes, at + 4), kind };
}

/** The queueing disciplines of an interface, as tc(8) names them; none when the kernel does not tell. */
export function queueingOf(interfaceIndex: number): string[] {
  const [kernel] = NetlinkClient.open(NETLINK_ROUTE);
  if (kernel === undefined) return [];
  const request = new NetlinkRequest(GET_QUEUEING, messageFlag.request + messageFlag.dump);
  request.number8(0).number8(0).number16(0).number32(interfaceIndex).number32(0).number32(0).number32(0);
  const [all] = kernel.dump(request, "queueing cannot be read", read);
  kernel.close();
  return (all ?? []).filter((one) => one.interfaceIndex === interfaceIndex).map(({ kind }) => kind);
}
