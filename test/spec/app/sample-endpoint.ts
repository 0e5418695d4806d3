// SPDX-License-Identifier: GPL-2.0-only
// An endpoint as its control socket sees it, with a real machine and a clock that stands still, for specs.

import { parseDocument } from "../../../src/app/document";
import { type EndpointConfiguration, readEndpointConfiguration } from "../../../src/app/endpoint-configuration";
import { answerEndpointLine } from "../../../src/app/endpoint-request";
import type { EndpointState } from "../../../src/app/endpoint-state";
import { readJson } from "../../../src/app/json";
import { EventLoop } from "../../../src/system/event-loop";
import { Libreswan } from "../../../src/watchdog/libreswan";
import type { HoldCounts } from "../../../src/watchdog/pins";
import { WatchedTunnel } from "../../../src/watchdog/watched-tunnel";
import { toWord } from "../../../src/wire/word";
import { address } from "../frame";

const DOCUMENT =
  '{"timers": {"ping_time_min_ms": 1000}, "tunnels": [{"name": "office", "daemon": "libreswan", "connection": "office",' +
  ' "ping_source": "10.0.1.1", "ping_target": "10.99.0.1"}]}';

/** The state, its clock, and the means to change both. */
export class SampleEndpoint implements EndpointState {
  nowIs = 1000;
  readonly startedMs = 1000;
  readonly configPath = "/etc/vpnmasq-endpoint.json";
  readonly config: EndpointConfiguration = readEndpointConfiguration(parseDocument(DOCUMENT)[0]!)[0]!;
  lastReload: EndpointState["lastReload"];
  hold: HoldCounts | undefined;
  problems: string[] = [];
  discarded = 0;
  readonly tunnel = new WatchedTunnel(this.config.tunnels[0], new Libreswan(new EventLoop()), () => 0.5, 1000);

  nowMs(): number {
    return this.nowIs;
  }

  tunnels(): readonly WatchedTunnel[] {
    return [this.tunnel];
  }

  holdOf(): HoldCounts | undefined {
    return this.hold;
  }

  discardedWhileHolding(): number {
    return this.discarded;
  }

  problemsOf(): string[] {
    return this.problems;
  }

  logTail(): readonly string[] {
    return [];
  }

  ask<Reply>(request: string): Reply {
    return readJson(answerEndpointLine(this, request))[0] as Reply;
  }
}

/** A tunnel that was answered on its first epoch and is in the middle of a rekey. */
export function rekeyingEndpoint(): SampleEndpoint {
  const endpoint = new SampleEndpoint();
  const { tunnel } = endpoint;
  const peers = { local: address("192.168.1.11"), peer: address("198.51.100.99"), reqid: 1 };
  const sas = { peers, mode: "tunnel", mark: undefined, interfaceId: 0 } as const;
  const [first, second] = [toWord(0xc0ffee01), toWord(0xc0ffee02)];
  tunnel.took({ ...sas, outSpi: first, inSpi: 0x1001 });
  tunnel.machine.epochAppeared(first, 0x1001, 1000);
  tunnel.machine.inboundSeen(0x1001, 1030);
  tunnel.isNews({ atMs: 1030, state: "up", text: "the epoch was answered" });
  tunnel.took({ ...sas, outSpi: second, inSpi: 0x1002 });
  tunnel.machine.epochAppeared(second, 0x1002, 61_000);
  tunnel.isNews({ atMs: 61_000, state: "confirming", text: "a new epoch has come" });
  endpoint.hold = { holds: 1, heldMs: 30, longestMs: 30, heldSinceMs: undefined, released: 3, lostQueues: 0 };
  endpoint.nowIs = 61_300;
  return endpoint;
}
