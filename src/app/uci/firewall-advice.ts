// SPDX-License-Identifier: GPL-2.0-only
// What /etc/config/firewall says that a person should know beside a running router.
//
// Nothing of it is changed: what the router takes is taken before the firewall's first hook, all else stays fw4's.

import { ISAKMP_PORT } from "../../wire/isakmp";
import { clip, quote } from "../document";
import { readFlag } from "./uci-option";
import type { UciSection } from "./uci-file";

function textOf({ options }: UciSection, name: string): string {
  const value = options.get(name) ?? "";
  return typeof value === "string" ? value : value.join(" ");
}

function isOn(section: UciSection, name: string): boolean {
  return readFlag(textOf(section, name)) === true;
}

/** A redirect towards a host of the LAN, of packets that reach the router's WAN. */
function takesIpsec(section: UciSection): boolean {
  if (section.type !== "redirect" || readFlag(textOf(section, "enabled")) === false) return false;
  if ((string.match(textOf(section, "target"), "^[Ss][Nn]")[0] as string | undefined) !== undefined) return false;
  const protocol = ` ${string.lower(textOf(section, "proto"))} `;
  if (protocol.includes(" esp ") || protocol.includes(" 50 ")) return true;
  return protocol.includes(" udp ") && textOf(section, "src_dport") === `${ISAKMP_PORT}`;
}

/** Sentences for the log, each with its section. @param scope of the router's configuration */
export function firewallAdvice(sections: readonly UciSection[], scope: unknown): string[] {
  const advice: string[] = [];
  const defaults = sections.find(({ type }) => type === "defaults");
  if (defaults !== undefined && isOn(defaults, "flow_offloading_hw")) {
    advice.push(
      "firewall: flow_offloading_hw is on: IKE that the hardware carried before the start may pass us by until it was " +
        "silent for some minutes; ESP is not offloaded",
    );
  }
  if (scope === "all" && defaults !== undefined && isOn(defaults, "flow_offloading")) {
    advice.push("firewall: flow_offloading has no effect in scope all: flows of clients are ours, not the kernel's");
  }
  for (const section of sections.filter((one) => takesIpsec(one))) {
    const [name, host] = [quote(textOf(section, "name")), clip(textOf(section, "dest_ip"))];
    advice.push(
      `firewall: redirect ${name} to ${host} gets no IKE or ESP any more: we take both at the WAN; ` +
        "a server behind the router needs its own address or UDP port 4500",
    );
  }
  return advice;
}
