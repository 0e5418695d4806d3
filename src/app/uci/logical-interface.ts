// SPDX-License-Identifier: GPL-2.0-only
// Which device a logical interface of OpenWrt has now: people name `wan`, packets pass `pppoe-wan` or `eth1`.
//
// netifd knows, and tells by `ubus call network.interface dump`. A device is named only while its interface is up: that
// of a PPP link is not there before.

import { isObject } from "../document";
import { readJson } from "../json";

/** What netifd knows. */
export interface InterfaceDump {
  /** Of all logical interfaces, sorted. */
  readonly names: readonly string[];
  /** By name; an interface that is not up has none. */
  readonly devices: LuaMap<string, string>;
}

/** What `ubus call network.interface dump` printed; undefined when it is no such thing, as when netifd does not run. */
export function readInterfaceDump(text: string): InterfaceDump | undefined {
  const [document] = readJson(text);
  if (!isObject(document)) return undefined;
  const entries = document.interface;
  if (type(entries) !== "table") return undefined;
  const names: string[] = [];
  const devices = new LuaMap<string, string>();
  for (const entry of entries as unknown[]) {
    if (!isObject(entry)) continue;
    const { interface: name, l3_device: device } = entry;
    if (typeof name !== "string") continue;
    names.push(name);
    if (typeof device === "string") devices.set(name, device);
  }
  names.sort((one, other) => (one < other ? -1 : 1));
  return { names, devices };
}
