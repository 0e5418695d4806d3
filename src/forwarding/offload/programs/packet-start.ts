// SPDX-License-Identifier: GPL-2.0-only
// The beginning of each kind of program: the headers within reach, and a packet that is as long as it says.
//
// Where the kernel asks us differs: at XDP there are bytes and nothing else, at tc and tcx a packet of the kernel's with its
// tag and length. What follows is the same program for both.

import { ETHERNET_HEADER_BYTES } from "../../../wire/ethernet";
import { add, compute, jumpIf, label, load, move, type Step, store, toNetwork } from "../instruction";
import { HEADERS_BYTES, packet, packetContext, xdpContext } from "../layout";
import { CONTEXT_COPY, held } from "./environment";

/** Where a program is attached: before the kernel's packet exists, or at its ingress. */
export type Hook = "xdp" | "classifier";

/** IEEE 802.3: shorter frames are filled up with zeros. */
const ETHERNET_PAYLOAD_BYTES_MIN = 46;

const { context, network, lengthBytes } = held;

/** network := the first header, if all headers are there; else up. Leaves the packet's end in r2. */
function headersInReach(data: typeof xdpContext.data, dataEnd: typeof xdpContext.dataEnd): Step[] {
  return [
    move(context, "r1"),
    load(network, context, data),
    load("r2", context, dataEnd),
    add(network, ETHERNET_HEADER_BYTES),
    move("r1", network),
    add("r1", HEADERS_BYTES),
    jumpIf("r1", ">", "r2", "up"),
  ];
}

function readLength(): Step[] {
  return [load(lengthBytes, network, packet.totalLength), toNetwork(lengthBytes, 16)];
}

/**
 * Up when the packet is longer than what there is of it (r2), and when more is behind it than short frames are filled up
 * with: it would leave with it, and be too long for the link although the packet is not.
 */
function fillsFrame(): Step[] {
  return [
    jumpIf(lengthBytes, "==", "r2", "filled"),
    jumpIf(lengthBytes, ">", "r2", "up"),
    jumpIf("r2", ">", ETHERNET_PAYLOAD_BYTES_MIN, "up"),
    label("filled"),
  ];
}

/** The kernel's packet knows its length, also of what is not in one piece, and whether a tag was taken off. */
function fitsKernelsPacket(): Step[] {
  return [
    load("r1", context, packetContext.isTagged),
    jumpIf("r1", "!=", 0, "up"),
    ...readLength(),
    load("r2", context, packetContext.lengthBytes),
    add("r2", -ETHERNET_HEADER_BYTES),
    ...fillsFrame(),
  ];
}

const starts: Record<Hook, (this: void) => Step[]> = {
  xdp: () => [
    ...headersInReach(xdpContext.data, xdpContext.dataEnd),
    ...readLength(),
    compute("subtract", "r2", network),
    ...fillsFrame(),
  ],
  classifier: () => [
    store("r10", CONTEXT_COPY, "r1"),
    ...headersInReach(packetContext.data, packetContext.dataEnd),
    ...fitsKernelsPacket(),
  ],
};

/** Puts the network header's address and the packet's length into their registers; what is unfit goes up. */
export function packetStart(hook: Hook): Step[] {
  return starts[hook]();
}
