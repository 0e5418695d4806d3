// SPDX-License-Identifier: GPL-2.0-only
// The same random traffic through the daemon alone and with the kernel's help: what comes out is the same, byte for byte.
//
// Behind each packet goes one that always takes the daemon's way (it has an IP option): when that one has come out, the
// packet before it has too, if it was to. So the order is the same in every run, however fast the ways are.

import type { Bytes } from "../../../../src/wire/bytes";
import { switchReceiveOffloadOn } from "../../../bench/offload/receive-offload";
import { esp, ethernet, ipv4, type Octets, tcp, udp } from "../../frame";
import { Random } from "../../random";
import { linkNamed } from "../../system/network";
import { espOn, icmpOf, number16, ofProtocol, PROTOCOL } from "../packet-match";
import { RouterProcess, sleepMs, waitUntil } from "../router-process";
import { CLIENT_1, CLIENT_2, OTHER_SERVER, ROUTER_WAN, SERVER, Site } from "../site";
import { FramePort } from "./frame-port";
import { type Epoch, type Flow, randomEsp, randomFlow, type Way } from "./random-traffic";

const SEED = 20261123;
const PACKETS = 600;
/** What came last has come by then. */
const SETTLE_MS = 100;
/** Smaller than the clients' links, so that some packets must be cut and some are refused. */
const WAN_MTU_BYTES = 1400;
const MARKER_OUT = 0x7001;
const MARKER_BACK = 0x7002;
/** Of ICMP's type 3 (RFC 792). */
const PROTOCOL_UNREACHABLE = 2;
const PROTOCOL_IGMP = 2;
/** An address that is not the router's. */
const STRANGER = "02:00:00:00:00:99";

interface Setting {
  readonly scope: "vpn" | "all";
  readonly isLanCable: boolean;
}

const OTHER_PLACES = [
  ["xdp", "generic XDP"],
  ["tcx", "tcx"],
  ["tc", "tc clsact"],
] as const;

const FLOWS: Flow[] = [
  { protocol: "udp", client: CLIENT_1, clientPort: 4001, server: SERVER, serverPort: 9001 },
  { protocol: "udp", client: CLIENT_2, clientPort: 4002, server: OTHER_SERVER, serverPort: 9001 },
  { protocol: "tcp", client: CLIENT_1, clientPort: 5001, server: SERVER, serverPort: 443 },
  { protocol: "tcp", client: CLIENT_2, clientPort: 5002, server: SERVER, serverPort: 443 },
  { protocol: "tcp", client: CLIENT_2, clientPort: 5003, server: OTHER_SERVER, serverPort: 22 },
];

/** What each station got, in order. */
interface Result {
  readonly packets: readonly (readonly string[])[];
  readonly offloaded: number;
  /** Of both interfaces. */
  readonly place: string | undefined;
}

/**
 * A packet as text. Fragments and answers get identifications that nobody can guess, so these differ from run to run, and
 * with them the header's checksum.
 */
function textOf(packet: Octets): string {
  const isFragment = (number16(packet, 6) & 0x3fff) !== 0;
  const hasOwnIdentification = isFragment || packet[9] === PROTOCOL.icmp;
  const shown = hasOwnIdentification ? packet.map((octet, at) => ([4, 5, 10, 11].includes(at) ? 0 : octet)) : packet;
  return shown.map((octet) => string.format("%02x", octet)).join("");
}

/** Hosts have packets of their own to say: about groups, and that nobody there takes ESP. */
function isOurs(packet: Octets): boolean {
  return !icmpOf(3, PROTOCOL_UNREACHABLE)(packet) && packet[9] !== PROTOCOL_IGMP;
}

/** A marker's SPI stands behind the option. */
function isMarker(packet: Octets): boolean {
  if (packet[0] !== 0x46 || packet[9] !== PROTOCOL.esp || packet.length < 28) return false;
  const spi = number16(packet, 26);
  return spi === MARKER_OUT || spi === MARKER_BACK;
}

function hardwareText(address: Bytes): string {
  return [0, 1, 2, 3, 4, 5].map((at) => string.format("%02x", address[at])).join("");
}

class Run {
  readonly site: Site;
  private readonly router: RouterProcess;
  private readonly random = new Random(SEED);
  private readonly ports: Record<string, FramePort>;
  private readonly hardware: { readonly lan: string; readonly wan: string };
  private readonly got: string[][];
  private readonly marker: Epoch;
  private readonly epochs: Epoch[];
  /** In `scope all`. */
  private readonly flows: Flow[];

  constructor({ scope, isLanCable }: Setting, offload: string) {
    const site = new Site({ isLanCable });
    this.site = site;
    this.got = site.stations().map(() => []);
    if (isLanCable) this.switchReceiveOffloadOn();
    site.router.ip(`link set wan0 mtu ${WAN_MTU_BYTES}`);
    this.hardware = site.router.inside(() => ({
      lan: hardwareText(linkNamed("lan0").hardwareAddress!),
      wan: hardwareText(linkNamed("wan0").hardwareAddress!),
    }));
    const [first, second] = site.clients;
    this.ports = {
      [CLIENT_1]: new FramePort(first.namespace, "eth0"),
      [CLIENT_2]: new FramePort(second.namespace, "eth0"),
      server: new FramePort(site.server.namespace, "eth0"),
    };
    const limits = { icmp_errors_per_second_max: 100000, relearn_ms: 0 };
    this.router = new RouterProcess(site.router, { scope, offload, limits }).start();
    for (const station of this.site.stations()) station.silence();
    if (offload !== "off") this.awaitOffload();
    this.epochs = [
      this.establish(CLIENT_1, SERVER, 0x1001, 0x2001),
      this.establish(CLIENT_2, OTHER_SERVER, 0x1002, 0x2002),
      this.establish(CLIENT_1, SERVER, 0x1003, 0x2003),
    ];
    this.flows = scope === "all" ? FLOWS : [];
    for (const flow of this.flows) this.open(flow);
    this.marker = this.establish(CLIENT_1, SERVER, MARKER_OUT, MARKER_BACK);
  }

  result(): Result {
    for (const _ of $range(1, PACKETS)) this.step();
    sleepMs(SETTLE_MS);
    for (const [at, station] of this.site.stations().entries()) this.keep(at, station.seen());
    const { packets, lan, wan } = this.router.status().offload;
    return { packets: this.got, offloaded: packets, place: lan.place === wan.place ? lan.place : undefined };
  }

  close(): void {
    for (const port of Object.values(this.ports)) port.close();
    this.router.remove();
    this.site.close();
  }

  /** Only so does a cable's end take what a driver's XDP redirects. */
  private switchReceiveOffloadOn(): void {
    const { router, clients, server } = this.site;
    for (const [namespace, name] of [
      [router, "lan0"],
      [router, "wan0"],
      [clients[0].namespace, "eth0"],
      [server.namespace, "eth0"],
    ] as const) {
      namespace.inside(() => {
        switchReceiveOffloadOn(name);
      });
    }
  }

  private establish(client: string, server: string, out: number, back: number): Epoch {
    const station = client === CLIENT_1 ? this.site.clients[0] : this.site.clients[1];
    station.send(ipv4({ from: client, to: server, carrying: esp({ spi: out }) }));
    this.site.server.expect(espOn(out));
    this.site.server.send(ipv4({ from: server, to: ROUTER_WAN, carrying: esp({ spi: back }) }));
    station.expect(espOn(back));
    return { client, server, out, back, sequenceOut: 1, sequenceIn: 1 };
  }

  private awaitOffload(): void {
    if (!waitUntil(() => this.router.status().offload.lan.place !== undefined)) error(this.router.log(), 0);
  }

  /** A session that both ends have taken part in. */
  private open({ protocol, client, clientPort, server, serverPort }: Flow): void {
    const station = client === CLIENT_1 ? this.site.clients[0] : this.site.clients[1];
    const arrives = ofProtocol(PROTOCOL[protocol]);
    const send = (flags: string, isOut: boolean): void => {
      const [fromPort, toPort] = isOut ? [clientPort, serverPort] : [serverPort, clientPort];
      const carrying = protocol === "udp" ? udp({ fromPort, toPort }) : tcp({ fromPort, toPort, flags });
      if (isOut) station.send(ipv4({ from: client, to: server, carrying }));
      else this.site.server.send(ipv4({ from: server, to: ROUTER_WAN, carrying }));
      (isOut ? this.site.server : station).expect(arrives);
    };
    send("S", true);
    send("SA", false);
    send("A", true);
  }

  /** A random packet and its marker; keeps what came until the marker came. */
  private step(): void {
    const { random } = this;
    const way: Way = random.below(2) === 0 ? "outbound" : "inbound";
    const at = random.below(this.epochs.length + this.flows.length);
    const ends = this.epochs[at] ?? this.flows[at - this.epochs.length];
    const packet = "out" in ends ? randomEsp(random, way, ends) : randomFlow(random, way, ends);
    const isStray = random.below(100) < 3;
    this.send(way, ends.client, packet, isStray);
    this.send(way, this.marker.client, this.markerPacket(way), false);
    const end = way === "outbound" ? this.got.length - 1 : 0;
    const station = this.site.stations()[end];
    const isHere = waitUntil(() => {
      const packets = station.seen();
      this.keep(end, packets);
      return packets.some((one) => isMarker(one));
    });
    if (!isHere) error("the marker did not come", 0);
  }

  private markerPacket(way: Way): Octets {
    const { marker } = this;
    const options = [1, 1, 1, 0];
    if (way === "outbound") {
      marker.sequenceOut += 1;
      const carrying = esp({ spi: MARKER_OUT, sequence: marker.sequenceOut });
      return ipv4({ from: marker.client, to: marker.server, options, carrying });
    }
    marker.sequenceIn += 1;
    const carrying = esp({ spi: MARKER_BACK, sequence: marker.sequenceIn });
    return ipv4({ from: marker.server, to: ROUTER_WAN, options, carrying });
  }

  private send(way: Way, client: string, packet: Octets, isStray: boolean): void {
    const port = way === "outbound" ? this.ports[client] : this.ports.server;
    const to = way === "outbound" ? this.hardware.lan : this.hardware.wan;
    port.send(ethernet({ payload: packet, to: isStray ? STRANGER : to }));
  }

  private keep(at: number, packets: readonly Octets[]): void {
    for (const packet of packets) if (isOurs(packet) && !isMarker(packet)) this.got[at].push(textOf(packet));
  }
}

function resultOf(setting: Setting, offload: string): Result {
  const run = new Run(setting, offload);
  const [isDone, result] = pcall(() => run.result());
  run.close();
  if (!isDone) error(result, 0);
  return result;
}

/** Each with the places that programs can be at. */
const SETTINGS: readonly (readonly [string, Setting, readonly (readonly [choice: string, place: string])[]])[] = [
  ["scope vpn", { scope: "vpn", isLanCable: false }, OTHER_PLACES],
  ["scope all", { scope: "all", isLanCable: false }, OTHER_PLACES],
  ["scope all between drivers", { scope: "all", isLanCable: true }, [["xdp", "native XDP"]]],
];

for (const [name, setting, places] of SETTINGS) {
  describe(`random traffic in ${name}`, () => {
    let expected: Result;

    setup(() => {
      expected = resultOf(setting, "off");
    });

    it("gets through the daemon alone, in part and both ways", () => {
      assert.equal(0, expected.offloaded);
      for (const packets of expected.packets) assert.is_true(packets.length > PACKETS / 10);
    });

    for (const [offload, place] of places) {
      it(`comes out the same with the kernel's help at ${place}`, () => {
        const result = resultOf(setting, offload);
        assert.equal(place, result.place);
        assert.is_true(result.offloaded > PACKETS / 4, `only ${result.offloaded} packets took the kernel's way`);
        for (const [station, packets] of expected.packets.entries()) {
          const differing = packets.findIndex((packet, at) => packet !== result.packets[station][at]);
          assert.equal(-1, differing, `station ${station}, packet ${differing}`);
          assert.equal(packets.length, result.packets[station].length);
        }
      });
    }
  });
}
