// SPDX-License-Identifier: GPL-2.0-only
// A router as the control socket sees it, with real trackers and a clock that stands still, for specs.

import { checkConfiguration } from "../../../src/app/configuration";
import type { LinkReport } from "../../../src/app/link-report";
import type { OffloadReport, RouterState } from "../../../src/app/router-state";
import { Decisions } from "../../../src/masquerade/decisions";
import { EspTracker } from "../../../src/masquerade/esp";
import { IkeTracker } from "../../../src/masquerade/ike";
import type { Reason } from "../../../src/masquerade/reason";
import { Releases } from "../../../src/masquerade/releases";
import { Verdict } from "../../../src/masquerade/verdict";
import { ForwardingHealth, type Health } from "../../../src/watchdog/forwarding-health";
import type { NatLoss } from "../../../src/watchdog/nat-loss";
import { address } from "../frame";

export const CLIENT_A = address("192.168.1.10");
export const CLIENT_B = address("192.168.1.11");
export const GATEWAY = address("198.51.100.1");

function link(name: string, own: string): LinkReport {
  const counters = { framesIn: 10, framesOut: 20, bytesIn: 2048, bytesOut: 1024, dropped: 0 };
  return { name, isPresent: true, isUp: true, address: address(own), mtuBytes: 1500, ...counters };
}

/** The state, its clock, and the means to change both. */
export class SampleRouter implements RouterState {
  nowIs = 100_000;
  readonly startedMs = 40_000;
  readonly configPath = "/etc/vpnmasq.json";
  readonly config = checkConfiguration('{"lan": "eth0", "wan": "eth1", "limits": {"esp_outstanding_ms": 4000}}')[0]!;
  readonly releases = new Releases();
  readonly ike = new IkeTracker(this.config.limits, this.releases);
  readonly esp = new EspTracker(this.config.limits, this.ike, this.releases, 7);
  readonly flows = undefined;
  readonly counters = new LuaMap<Reason, number>();
  readonly decisions = new Decisions();
  losses: NatLoss[] = [];
  readonly restored = { source: "none", espItems: 0, ikeSessions: 0, isComplete: false, notes: [] } as const;
  readonly compiler = { compiled: 150, aborts: 20, flushes: 0 };
  readonly lastReload: RouterState["lastReload"] = undefined;
  readonly verdict = new Verdict(this.config.limits.multicastClientsMax);

  nowMs(): number {
    return this.nowIs;
  }

  kernelRules(): string {
    return "somebody else's rules";
  }

  wallMs(): number {
    return 1_700_000_000_000;
  }

  lan(): LinkReport {
    return link("eth0", "192.168.1.1");
  }

  wan(): LinkReport {
    return link("eth1", "203.0.113.1");
  }

  health(): Health {
    return new ForwardingHealth().present();
  }

  offload(): OffloadReport {
    const wan = { place: "tcx", reason: "native XDP: not supported" };
    return { lan: { place: "generic XDP", reason: "" }, wan, entries: 4, packets: 12, bytes: 4096, refusal: undefined };
  }

  offloadedBytes(): LuaMultiReturn<[out: number, into: number]> {
    return $multi(0, 0);
  }

  natLosses(): readonly NatLoss[] {
    return this.losses;
  }

  fragmentedDatagrams(): number {
    return 0;
  }

  heldPackets(): number {
    return 1;
  }

  logTail(): readonly string[] {
    return ["wan: the address is 203.0.113.1"];
  }

  /** A client's ESP packet, noted as the forwarding layer does. */
  sends(client: number, spi: number, lengthBytes: number): void {
    this.esp.outbound(client, GATEWAY, spi, lengthBytes, this.nowIs, this.verdict);
    this.decisions.note(this.nowIs, this.verdict.reason, client, GATEWAY, spi);
  }

  /** The server's ESP packet. */
  answers(spi: number, sequence: number, lengthBytes: number): void {
    this.esp.inbound(GATEWAY, spi, sequence, lengthBytes, this.nowIs, this.verdict);
    this.decisions.note(this.nowIs, this.verdict.reason, this.verdict.client, GATEWAY, spi);
  }

  /** An IKEv2 session that made a child SA two seconds ago. */
  hasSession(client: number): void {
    this.ike.restore({
      client,
      server: GATEWAY,
      clientPort: 500,
      initiatorHigh: 0x11223344,
      initiatorLow: client,
      responderHigh: 0x55667788,
      responderLow: 1,
      phase: "established",
      version: 2,
      createdMs: this.nowIs - 65_000,
      lastOutMs: this.nowIs - 2000,
      lastInMs: this.nowIs - 2000,
      negotiatedMs: this.nowIs - 2000,
      packetsOut: 2,
      packetsIn: 2,
      origin: "started by the client",
    });
    this.ike.forEach((session) => {
      session.restored = false;
    });
  }
}

/** Client A has a tunnel; client B's new epoch waits behind A's second one. */
export function routerWithWaitingClient(): SampleRouter {
  const router = new SampleRouter();
  router.hasSession(CLIENT_A);
  router.sends(CLIENT_A, 0x1001, 1400);
  router.answers(0x2001, 1, 700);
  router.nowIs += 125_000;
  router.hasSession(CLIENT_B);
  router.sends(CLIENT_A, 0x1002, 100);
  router.sends(CLIENT_B, 0x1003, 100);
  router.nowIs += 500;
  return router;
}
