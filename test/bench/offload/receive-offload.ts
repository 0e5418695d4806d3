// SPDX-License-Identifier: GPL-2.0-only
// Switches generic receive offload (GRO) on: only then, or with a program at XDP, does a veth's end take driver's frames.
//
// Drivers of hardware have it on from the start. Source: drivers/net/veth.c (veth_xdp_xmit), linux/ethtool.h.

import { cast, copyBytes, create, declareC, typeOf } from "../../../src/system/ffi";
import { closeSocket, openPacketSocket } from "../../../src/system/link-address";
import { lastError } from "../../../src/system/errno";
import { mustHave } from "../must-have";

/** @noSelf */
interface DeviceLibrary {
  ioctl(fd: number, request: number, argument: unknown): number;
}

const C = declareC<DeviceLibrary>("int ioctl(int fd, unsigned long request, void *argument);");

/** linux/sockios.h, linux/ethtool.h */
const SIOCETHTOOL = 0x8946;
const ETHTOOL_SGRO = 0x2c;

/** struct ifreq, of which SIOCETHTOOL uses the name and a pointer. */
const requestType = typeOf<{ readonly name: unknown; data: unknown }>(
  "struct { char name[16]; void *data; char rest[24]; }",
);
/** struct ethtool_value */
const valueType = typeOf<{ command: number; data: number }>("struct { uint32_t command, data; }");

/** For an interface of this namespace; it keeps it when it moves to another. */
export function switchReceiveOffloadOn(interfaceName: string): void {
  const value = create(valueType);
  value.command = ETHTOOL_SGRO;
  value.data = 1;
  const request = create(requestType);
  copyBytes(request.name, interfaceName, string.len(interfaceName));
  request.data = cast(typeOf<unknown>("void*"), value);
  const fd = mustHave(openPacketSocket());
  const done = C.ioctl(fd, SIOCETHTOOL, request);
  if (done !== 0) error(lastError(`generic receive offload of ${interfaceName}`), 0);
  closeSocket(fd);
}
