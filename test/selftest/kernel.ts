// SPDX-License-Identifier: GPL-2.0-only
// What the router asks of the kernel: clocks, packet sockets with rings, route messages, nftables, and the right to them.

import { assertTrue, fail } from "luaunit";
import { abi } from "../../src/system/abi/constants";
import { monotonicMs, wallClockMs } from "../../src/system/clock";
import { lastError } from "../../src/system/errno";
import { create, declareC, networkOrder16, type Ptr, typeOf } from "../../src/system/ffi";
import type { Test } from "./test";

/** @noSelf */
interface SocketLibrary {
  socket(family: number, type: number, protocol: number): number;
  setsockopt(fd: number, level: number, option: number, value: unknown, lengthBytes: number): number;
  close(fd: number): number;
}

const C = declareC<SocketLibrary>(`
  int socket(int family, int type, int protocol);
  int setsockopt(int fd, int level, int option, const void *value, unsigned int length);
  int close(int fd);
`);

const AF_NETLINK = 16; // linux/socket.h
const AF_PACKET = 17;
const NETLINK_ROUTE = 0; // linux/netlink.h
const ETH_P_IP = 0x0800; // linux/if_ether.h
const SOCK_RAW = 3; // linux/net.h
const SOL_PACKET = 263; // linux/socket.h
const PACKET_VERSION = 10; // linux/if_packet.h
const TPACKET_V2 = 1;

/** 2020-09-13, before this program existed: a clock that shows less was never set. */
const EARLIEST_MS = 1.6e12;

/** Opens a socket, hands it to `use` and closes it. */
function withSocket(what: string, family: number, type: number, protocol: number, use: (fd: number) => void): void {
  const fd = C.socket(family, type | abi.SOCK_CLOEXEC, protocol);
  if (fd < 0) fail(`${lastError(what)} (run the self-test as root)`);
  use(fd);
  C.close(fd);
}

export const kernelTests: Test[] = [
  [
    "the monotonic clock goes forward",
    () => {
      const before = monotonicMs();
      assertTrue(before > 0);
      let after = before;
      for (const _ of $range(1, 1e6)) if (after === before) after = monotonicMs();
      assertTrue(after > before);
    },
  ],
  [
    "the wall clock is set (ages in a snapshot are read by it)",
    () => {
      assertTrue(wallClockMs() > EARLIEST_MS, "set the date, or wait for NTP");
    },
  ],
  [
    "packet sockets may be opened and have rings (TPACKET_V2)",
    () => {
      withSocket("AF_PACKET socket", AF_PACKET, SOCK_RAW, networkOrder16(ETH_P_IP), (fd) => {
        const version = create(typeOf<Ptr<number>>("int[1]"));
        version[0] = TPACKET_V2;
        const status = C.setsockopt(fd, SOL_PACKET, PACKET_VERSION, version, 4);
        if (status !== 0) fail(lastError("PACKET_VERSION"));
      });
    },
  ],
  [
    "the kernel tells of routes and neighbours (rtnetlink)",
    () => {
      withSocket("AF_NETLINK socket", AF_NETLINK, SOCK_RAW, NETLINK_ROUTE, () => undefined);
    },
  ],
  [
    "nftables answers (it keeps the kernel from handling what the router handles)",
    () => {
      const status: unknown = os.execute("nft list tables >/dev/null 2>&1");
      assertTrue(status === 0 || status === true, "`nft list tables` fails: install nftables and its kernel modules");
    },
  ],
];
