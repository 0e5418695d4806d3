// SPDX-License-Identifier: GPL-2.0-only
// The socket filters, judged by the kernel: attached to a real socket, with real frames on a real link.

import { lanFilter, wanFilter } from "../../../src/forwarding/tap-filter";
import type { Territory } from "../../../src/forwarding/territory";
import { byteArray, type BytePtr, create, declareC } from "../../../src/system/ffi";
import { PacketRing } from "../../../src/system/packet-ring";
import type { FilterInstruction } from "../../../src/system/socket-filter";
import {
  address,
  bufferOf,
  esp,
  ethernet,
  type EthernetOptions,
  icmpEcho,
  icmpError,
  ike,
  ipv4,
  type Ipv4Options,
  type Octets,
  type Payload,
  raw,
  tcp,
  udp,
} from "../frame";
import { must } from "../system/network";
import { Namespace } from "./namespace";
import { sampleTerritory, withoutWanAddress } from "./sample-territory";

/** @noSelf */
interface LinkLibrary {
  if_nametoindex(name: string): number;
}
const C = declareC<LinkLibrary>("unsigned if_nametoindex(const char *name);");

const ETHERNET_BYTES = 14;
const CLIENT = "10.7.0.11";
const SERVER = "203.0.113.5";
const WAN = "198.51.100.1";

/** Two ends of a cable: frames are sent on one, the filter is on the other. */
class Cable {
  private readonly namespace = new Namespace();
  private readonly near: PacketRing;
  private readonly far: PacketRing;

  constructor(filter: readonly FilterInstruction[]) {
    this.namespace.ip("link add near type veth peer name far address 02:00:00:00:00:01", "link set near up");
    this.namespace.ip("link set far up");
    const open = (device: string): PacketRing =>
      this.namespace.inside(() => {
        const interfaceIndex = C.if_nametoindex(device);
        const sizes = { receiveSlots: 64, sendSlots: 16, bypassQueueing: true };
        return must(PacketRing.open({ interfaceIndex, linkHeaderBytes: ETHERNET_BYTES, filter, ...sizes }));
      });
    this.near = open("near");
    this.far = open("far");
  }

  /** Whether a frame passes the filter. A veth delivers before the call that sends returns. */
  accepts(frame: Octets): boolean {
    const bytes = create(byteArray, frame.length);
    const from = bufferOf(frame) as BytePtr;
    for (const at of $range(0, frame.length - 1)) bytes[at] = from[at];
    this.near.send(bytes, frame.length);
    this.near.flush();
    const count = this.far.gather();
    while (this.far.receive());
    this.far.release();
    return count === 1;
  }

  close(): void {
    this.near.close();
    this.far.close();
    this.namespace.close();
  }
}

interface Case {
  readonly what: string;
  readonly carrying: Payload;
  /** Whether it is ours, in each scope. */
  readonly vpn: boolean;
  readonly all: boolean;
  readonly packet?: Partial<Ipv4Options>;
  readonly frame?: Partial<EthernetOptions>;
}

const quoted = (from: string, to: string, carrying: Payload): Octets => ipv4({ from, to, carrying });

/** What is alike on both sides. */
const common: Case[] = [
  { what: "ESP", carrying: esp({ spi: 0x1000 }), vpn: true, all: true },
  { what: "IKE", carrying: ike({ initiatorCookie: "11" }), vpn: true, all: true },
  {
    what: "IKE behind IP options",
    carrying: ike({ initiatorCookie: "11" }),
    packet: { options: [1, 1, 1, 1] },
    vpn: true,
    all: true,
  },
  {
    what: "a later fragment of UDP",
    carrying: raw(17, [1, 2, 3, 4, 5, 6, 7, 8]),
    packet: { fragmentOffsetBytes: 8 },
    vpn: true,
    all: true,
  },
  { what: "UDP 4500", carrying: udp({ fromPort: 4500, toPort: 4500 }), vpn: false, all: true },
  { what: "TCP 500", carrying: tcp({ fromPort: 500, toPort: 500 }), vpn: false, all: true },
  { what: "a ping", carrying: icmpEcho({ identifier: 1 }), vpn: false, all: true },
  { what: "GRE", carrying: raw(47, [0, 0, 0, 0]), vpn: false, all: false },
  { what: "an empty packet", carrying: raw(17, []), vpn: false, all: true },
  { what: "ESP in a VLAN", carrying: esp({ spi: 0x1000 }), frame: { vlanTag: 5 }, vpn: false, all: false },
  { what: "ESP with a priority tag", carrying: esp({ spi: 0x1000 }), frame: { vlanTag: 0x6000 }, vpn: true, all: true },
  {
    what: "ESP for another host",
    carrying: esp({ spi: 0x1000 }),
    frame: { to: "02:00:00:00:00:77" },
    vpn: false,
    all: false,
  },
  {
    what: "ESP as a broadcast",
    carrying: esp({ spi: 0x1000 }),
    frame: { to: "ff:ff:ff:ff:ff:ff" },
    vpn: false,
    all: false,
  },
  { what: "IPv6", carrying: esp({ spi: 0x1000 }), frame: { etherType: 0x86dd }, vpn: false, all: false },
];

const fromClients: Case[] = [
  {
    what: "an answer of IKE to a client behind us",
    carrying: udp({ fromPort: 500, toPort: 9 }),
    vpn: false,
    all: true,
  },
  { what: "ESP to the router", carrying: esp({ spi: 0x1000 }), packet: { to: "10.7.0.1" }, vpn: false, all: false },
  {
    what: "ESP to the router's WAN address",
    carrying: esp({ spi: 0x1000 }),
    packet: { to: WAN },
    vpn: false,
    all: true,
  },
  {
    what: "ESP to a peer of the router's own",
    carrying: esp({ spi: 0x1000 }),
    packet: { to: "203.0.113.7" },
    vpn: false,
    all: false,
  },
  { what: "ESP to a group", carrying: esp({ spi: 0x1000 }), packet: { to: "224.0.0.5" }, vpn: false, all: false },
  {
    what: "an error about ESP to a client",
    carrying: icmpError({ about: quoted(SERVER, CLIENT, esp({ spi: 1 })) }),
    vpn: true,
    all: true,
  },
  {
    what: "an error about IKE to a client",
    carrying: icmpError({ about: quoted(SERVER, CLIENT, udp({ fromPort: 500, toPort: 9 })), type: 11, code: 0 }),
    vpn: true,
    all: true,
  },
  {
    what: "an error about other UDP",
    carrying: icmpError({ about: quoted(SERVER, CLIENT, udp({ fromPort: 53, toPort: 500 })) }),
    vpn: false,
    all: true,
  },
];

const fromServers: Case[] = [
  { what: "IKE to another port than 500", carrying: udp({ fromPort: 500, toPort: 1024 }), vpn: true, all: true },
  { what: "UDP to port 500 from elsewhere", carrying: udp({ fromPort: 1024, toPort: 500 }), vpn: false, all: true },
  {
    what: "ESP to another address",
    carrying: esp({ spi: 0x1000 }),
    packet: { to: "198.51.100.3" },
    vpn: false,
    all: false,
  },
  {
    what: "ESP from a peer of the router's own",
    carrying: esp({ spi: 0x1000 }),
    packet: { from: "203.0.113.7" },
    vpn: false,
    all: false,
  },
  {
    what: "fragmentation needed about a client's ESP",
    carrying: icmpError({ about: quoted(WAN, SERVER, esp({ spi: 1 })), quotedBytes: 28 }),
    vpn: true,
    all: true,
  },
  {
    what: "an error about a client's IKE",
    carrying: icmpError({ about: quoted(WAN, SERVER, udp({ fromPort: 9, toPort: 500 })), type: 12, code: 0 }),
    vpn: true,
    all: true,
  },
  {
    what: "an error about other UDP",
    carrying: icmpError({ about: quoted(WAN, SERVER, udp({ fromPort: 500, toPort: 53 })) }),
    vpn: false,
    all: true,
  },
];

interface SideOfRouter {
  readonly name: string;
  readonly filter: (this: void, territory: Territory, linkHeaderBytes: number) => FilterInstruction[];
  readonly from: string;
  readonly to: string;
  readonly cases: readonly Case[];
}

const sides: SideOfRouter[] = [
  { name: "LAN", filter: lanFilter, from: CLIENT, to: SERVER, cases: [...common, ...fromClients] },
  { name: "WAN", filter: wanFilter, from: SERVER, to: WAN, cases: [...common, ...fromServers] },
];

for (const { name, filter, from, to, cases } of sides) {
  for (const scope of ["vpn", "all"] as const) {
    describe(`the ${name}'s socket filter in scope ${scope}`, () => {
      let cable: Cable;

      setup(() => {
        cable = new Cable(filter(sampleTerritory({ scope, ownPeers: [address("203.0.113.7")] }), ETHERNET_BYTES));
      });

      teardown(() => {
        cable.close();
      });

      for (const { what, carrying, packet, frame, [scope]: isOurs } of cases) {
        it(`${isOurs ? "takes" : "leaves"} ${what}`, () => {
          const payload = ipv4({ from, to, carrying, ...packet });
          assert.equal(isOurs, cable.accepts(ethernet({ payload, ...frame })));
        });
      }

      it("leaves frames that end in the middle of a header", () => {
        const whole = ethernet({ payload: ipv4({ from, to, carrying: ike({ initiatorCookie: "11" }) }) });
        for (const bytes of [14, 20, 33]) assert.is_false(cable.accepts(whole.slice(0, bytes)), `${bytes} bytes`);
      });
    });
  }
}

describe("the WAN's socket filter while it has no address", () => {
  it("takes nothing", () => {
    const cable = new Cable(wanFilter(withoutWanAddress(sampleTerritory()), ETHERNET_BYTES));
    const payload = ipv4({ from: SERVER, to: WAN, carrying: esp({ spi: 0x1000 }) });
    assert.is_false(cable.accepts(ethernet({ payload })));
    cable.close();
  });
});
