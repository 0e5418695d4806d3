// SPDX-License-Identifier: GPL-2.0-only
// A site with traffic, to look at: the real router between two clients and a server, and an endpoint with two tunnels.
//
// The router is the program itself, in a network of its own, and what it forwards are packets on links. The endpoint is
// made up: its state machine and replies are the real ones, but its epochs come from here, since IPsec in the kernel is
// had only in the lab's guest. Both listen where they do on a board.
//
// Usage (from build/lua, in a network and mount namespace with an empty /run): luajit test/openwrt/busy-site.lua

import { parseDocument } from "../../src/app/document";
import { type EndpointConfiguration, readEndpointConfiguration } from "../../src/app/endpoint-configuration";
import { answerEndpointLine } from "../../src/app/endpoint-request";
import type { EndpointState } from "../../src/app/endpoint-state";
import { ControlServer } from "../../src/app/control-server";
import { monotonicMs } from "../../src/system/clock";
import { EventLoop } from "../../src/system/event-loop";
import { Libreswan } from "../../src/watchdog/libreswan";
import { WatchedTunnel } from "../../src/watchdog/watched-tunnel";
import { address, counting, esp, ike, ipv4 } from "../spec/frame";
import { espOn } from "../spec/forwarding/packet-match";
import { RouterProcess } from "../spec/forwarding/router-process";
import { CLIENT_1, CLIENT_2, OTHER_SERVER, ROUTER_WAN, SERVER, Site } from "../spec/forwarding/site";
import { must } from "../spec/system/network";

const RUN = "/var/run/vpnmasq";
/** Whoever started it may be gone. */
const LIFE_MS = 300_000;
const TICK_MS = 100;
/** Until then there is something of everything to see. */
const READY_TICKS = 10;
/** Epochs that were answered fill more than one page of the table. */
const PAST_EPOCHS = 40;
const PACKET_BYTES = 1200;

// The router's part

class Traffic {
  private readonly site = new Site();
  private readonly router: RouterProcess;
  private sequence = 1;
  private ticks = 0;

  constructor() {
    const limits = { relearn_ms: 0, esp_outstanding_ms: 5000 };
    this.router = new RouterProcess(this.site.router, { control: `${RUN}/control.sock`, limits }).start();
    this.negotiate(CLIENT_1, "1111111111111111", "aaaaaaaaaaaaaaaa");
    this.negotiate(CLIENT_2, "2222222222222222", "bbbbbbbbbbbbbbbb");
    for (const number of $range(1, PAST_EPOCHS)) this.open(number);
  }

  private negotiate(client: string, initiator: string, responder: string): void {
    const station = this.site.clients[client === CLIENT_1 ? 0 : 1];
    station.send(ipv4({ from: client, to: SERVER, carrying: ike({ initiatorCookie: initiator }) }));
    this.site.server.next();
    this.site.server.send(
      ipv4({ from: SERVER, to: ROUTER_WAN, carrying: ike({ initiatorCookie: initiator, responderCookie: responder }) }),
    );
  }

  /** A new epoch of client 1, answered. */
  private open(number: number): void {
    this.site.clients[0].send(ipv4({ from: CLIENT_1, to: SERVER, carrying: esp({ spi: 0x1000 + number }) }));
    this.site.server.expect(espOn(0x1000 + number));
    this.site.server.send(ipv4({ from: SERVER, to: ROUTER_WAN, carrying: esp({ spi: 0x2000 + number }) }));
    this.site.clients[0].expect(espOn(0x2000 + number));
  }

  /** Data both ways on the newest epoch, in waves; and two clients at a server that does not answer: one waits. */
  tick(): void {
    this.ticks += 1;
    const payload = counting(PACKET_BYTES);
    const [spi, back] = [0x1000 + PAST_EPOCHS, 0x2000 + PAST_EPOCHS];
    const packets = 1 + Math.floor(4 * Math.abs(Math.sin(this.ticks / 40)));
    for (const _ of $range(1, packets)) {
      this.sequence += 1;
      const sequence = this.sequence;
      this.site.clients[0].send(ipv4({ from: CLIENT_1, to: SERVER, carrying: esp({ spi, sequence, payload }) }));
      this.site.server.send(ipv4({ from: SERVER, to: ROUTER_WAN, carrying: esp({ spi: back, sequence, payload }) }));
    }
    this.site.clients[0].send(ipv4({ from: CLIENT_1, to: OTHER_SERVER, carrying: esp({ spi: 0x3001 }) }));
    this.site.clients[1].send(ipv4({ from: CLIENT_2, to: OTHER_SERVER, carrying: esp({ spi: 0x3002 }) }));
    for (const station of [...this.site.clients, this.site.server]) station.clear();
  }

  end(): void {
    this.router.remove();
    this.site.close();
  }
}

// The endpoint's part

const DOCUMENT =
  '{"tunnels": [{"name": "office", "daemon": "libreswan", "connection": "office",' +
  ' "ping_source": "10.0.1.1", "ping_target": "10.99.0.1"},' +
  ' {"name": "warehouse", "daemon": "libreswan", "connection": "warehouse",' +
  ' "ping_source": "10.0.1.1", "ping_target": "10.98.0.1"}]}';
/** A new epoch as often as a page looks, each answered after another round trip. */
const EPOCH_MS = 1000;

class MadeUpEndpoint implements EndpointState {
  readonly startedMs = monotonicMs();
  readonly configPath = "/etc/vpnmasq-endpoint.json";
  readonly config: EndpointConfiguration = readEndpointConfiguration(parseDocument(DOCUMENT)[0]!)[0]!;
  readonly lastReload = undefined;
  private readonly watched: readonly WatchedTunnel[];
  private epochs = 0;
  private nextMs = 0;

  constructor(loop: EventLoop) {
    this.watched = this.config.tunnels.map(
      (settings) => new WatchedTunnel(settings, new Libreswan(loop), () => 0.5, this.startedMs),
    );
    this.watched[1].isNews({ atMs: this.startedMs, state: "down", text: "no epoch is there" });
  }

  tick(nowMs: number): void {
    if (nowMs < this.nextMs) return;
    this.nextMs = nowMs + EPOCH_MS;
    this.epochs += 1;
    const [tunnel] = this.watched;
    const [outSpi, inSpi] = [0x10000 + this.epochs, 0x20000 + this.epochs];
    const peers = { local: address("192.168.1.11"), peer: address("198.51.100.99"), reqid: 1 };
    tunnel.took({ peers, mode: "tunnel", mark: undefined, interfaceId: 0, outSpi, inSpi });
    tunnel.machine.epochAppeared(outSpi, inSpi, nowMs);
    tunnel.machine.inboundSeen(inSpi, nowMs + 30 + 12 * Math.sin(this.epochs / 3));
    tunnel.machine.epochGone(outSpi - 1, nowMs);
    tunnel.isNews({ atMs: nowMs, state: tunnel.machine.state, text: "the epoch was answered" });
  }

  nowMs(): number {
    return monotonicMs();
  }

  tunnels(): readonly WatchedTunnel[] {
    return this.watched;
  }

  discardedWhileHolding(): number {
    return 0;
  }

  holdOf(): undefined {
    return undefined;
  }

  problemsOf(tunnel: WatchedTunnel): string[] {
    return tunnel === this.watched[1] ? ["libreswan does not know the connection warehouse"] : [];
  }

  logTail(): readonly string[] {
    return ["office: up: the epoch was answered"];
  }
}

const loop = new EventLoop();
const traffic = new Traffic();
const endpoint = new MadeUpEndpoint(loop);
const control = must(ControlServer.listen(loop, `${RUN}/endpoint.sock`, (line) => answerEndpointLine(endpoint, line)));
const endsMs = monotonicMs() + LIFE_MS;
let ticks = 0;
loop.tick(TICK_MS, (nowMs) => {
  traffic.tick();
  endpoint.tick(nowMs);
  ticks += 1;
  if (ticks === READY_TICKS) {
    io.stdout.write("ready\n");
    io.stdout.flush();
  }
  if (nowMs > endsMs) loop.stop();
});
loop.run();
control.close();
traffic.end();
