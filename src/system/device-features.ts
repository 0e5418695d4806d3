// SPDX-License-Identifier: GPL-2.0-only
// What an interface can do with frames that XDP redirects, as its driver says (linux/netdev.h, kernels from 6.3).
//
// A driver that runs XDP programs need not take frames from others' programs, and one that does not drops them without a
// word. So who cannot be asked is not trusted with any.

import type { Bytes } from "../wire/bytes";
import { Attributes, messageFlag, type NetlinkMessage, NetlinkRequest, readNative16, readNative32 } from "./netlink";
import { NetlinkClient } from "./netlink-client";
import { isLittleEndian } from "./ffi";

const NETLINK_GENERIC = 16;
/** struct genlmsghdr: command, version, two bytes of nothing. */
const GENERIC_HEADER_BYTES = 4;
const VERSION = 1;

/** linux/genetlink.h: the family that names the others. */
const GENL_ID_CTRL = 0x10;
const CTRL_CMD_GETFAMILY = 3;
const CTRL_ATTR_FAMILY_ID = 1;
const CTRL_ATTR_FAMILY_NAME = 2;

/** linux/netdev.h */
const FAMILY = "netdev\0";
const NETDEV_CMD_DEV_GET = 1;
const NETDEV_A_DEV_IFINDEX = 1;
const NETDEV_A_DEV_XDP_FEATURES = 3;
/** NETDEV_XDP_ACT_NDO_XMIT: takes frames that other interfaces' programs redirect to it. */
const TAKES_REDIRECTED = 4;
const FEATURE_BYTES = 8;

function request(family: number, command: number): NetlinkRequest {
  return new NetlinkRequest(family, messageFlag.request).number8(command).number8(VERSION).number16(0);
}

function attributesOf(bytes: Bytes, { at, end }: NetlinkMessage): Attributes {
  return new Attributes(bytes, at + GENERIC_HEADER_BYTES, end);
}

function readFamily(bytes: Bytes, message: NetlinkMessage): number | undefined {
  const id = attributesOf(bytes, message).bytesOf(CTRL_ATTR_FAMILY_ID, 2);
  return id === undefined ? undefined : readNative16(id, 0);
}

/** The low half of the 64 bits: the kernel has named seven of them. */
function readFeatures(bytes: Bytes, message: NetlinkMessage): number | undefined {
  const features = attributesOf(bytes, message).bytesOf(NETDEV_A_DEV_XDP_FEATURES, FEATURE_BYTES);
  return features === undefined ? undefined : readNative32(features, isLittleEndian ? 0 : 4);
}

/** Whether an interface takes the frames that other interfaces' XDP programs redirect; false when nobody says so. */
export function takesRedirectedFrames(interfaceIndex: number): boolean {
  const [kernel] = NetlinkClient.open(NETLINK_GENERIC);
  if (kernel === undefined) return false;
  const naming = request(GENL_ID_CTRL, CTRL_CMD_GETFAMILY).attribute(CTRL_ATTR_FAMILY_NAME, FAMILY);
  const [family] = kernel.answer(naming, "no netdev family", readFamily);
  let features = 0;
  if (family !== undefined) {
    const question = request(family, NETDEV_CMD_DEV_GET).attribute32(NETDEV_A_DEV_IFINDEX, interfaceIndex);
    [features = 0] = kernel.answer(question, "no features", readFeatures);
  }
  kernel.close();
  return (features & TAKES_REDIRECTED) !== 0;
}
