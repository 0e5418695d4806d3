// SPDX-License-Identifier: GPL-2.0-only
// A switch at the board's LAN port and one at its WAN port, each with the lab's guest at its other port.
//
// Both are bridges in a network namespace without any address: nothing but the board connects the one with the other.

import type { Wiring } from "../../../src/host/emulator/emulated-board.js";
import { runProgram } from "../../../src/host/run-program.js";
import { makeRunNamespace, type Trace } from "../../../src/host/run-traces.js";

const SWITCHES = ["lan", "wan"] as const;
const boardTap = (name: string): string => `${name}-board`;
const guestTap = (name: string): string => `${name}-guest`;

/** A switch with its two ports, `ip -b` lines. Without address generation the kernel says nothing of its own on them. */
function switchLines(name: string): string[] {
  const taps = [boardTap(name), guestTap(name)];
  return [
    `link add ${name} type bridge forward_delay 0 mcast_snooping 0`,
    ...taps.map((tap) => `tuntap add dev ${tap} mode tap`),
    ...[name, ...taps].map((device) => `link set ${device} addrgenmode none`),
    ...taps.map((tap) => `link set ${tap} master ${name} up`),
    `link set ${name} up`,
  ];
}

export class IpsecNetwork {
  readonly namespace: string;
  readonly lanTap = guestTap("lan");
  readonly wanTap = guestTap("wan");
  /** What is at the board's ports. */
  readonly wiring: Wiring;

  private constructor(private readonly place: Trace) {
    this.namespace = place.name;
    this.wiring = {
      lan: { kind: "tap", name: boardTap("lan") },
      wan: { kind: "tap", name: boardTap("wan") },
      namespace: this.namespace,
    };
  }

  static async open(): Promise<IpsecNetwork> {
    const network = new IpsecNetwork(await makeRunNamespace("ipsec"));
    try {
      const lines = SWITCHES.flatMap((name) => switchLines(name));
      await runProgram("ip", ["-n", network.namespace, "-b", "-"], { input: lines.join("\n") });
      return network;
    } catch (problem) {
      network.close();
      throw problem;
    }
  }

  close(): void {
    this.place.remove();
  }
}
