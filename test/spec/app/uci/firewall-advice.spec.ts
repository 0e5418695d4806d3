// SPDX-License-Identifier: GPL-2.0-only
// What of the firewall's configuration a person is told of, and what is nobody's business.

import { firewallAdvice } from "../../../../src/app/uci/firewall-advice";
import { readUciFile } from "../../../../src/app/uci/uci-file";

/** The sections of OpenWrt's own file that touch IPsec, and its offloading switched off. */
const STOCK = `
config defaults
	option flow_offloading '0'
	option flow_offloading_hw '0'
config rule
	option name 'Allow-IPSec-ESP'
	option src wan
	option dest lan
	option proto esp
	option target ACCEPT
config rule
	option name 'Allow-ISAKMP'
	option src wan
	option dest lan
	option dest_port 500
	option proto udp
	option target ACCEPT
`;

function adviceOn(file: string, scope = "vpn"): string[] {
  const [sections, problem] = readUciFile(file);
  if (sections === undefined) error(problem);
  return firewallAdvice(sections, scope);
}

function redirect(options: string): string {
  return `${STOCK}config redirect\n option name x\n option src wan\n option dest_ip 192.168.1.5\n ${options}\n`;
}

describe("advice on the firewall", () => {
  it("has nothing to say of OpenWrt's own rules", () => {
    assert.same([], adviceOn(STOCK));
  });

  it("names hardware offloading, and no software offloading, in scope vpn", () => {
    const offloading = STOCK.replace("flow_offloading '0'", "flow_offloading '1'");
    assert.same([], adviceOn(offloading));
    const [text, ...more] = adviceOn(offloading.replace("flow_offloading_hw '0'", "flow_offloading_hw '1'"));
    assert.is_true(text.includes("flow_offloading_hw is on"));
    assert.same([], more);
  });

  it("says in scope all that software offloading has no effect", () => {
    const [text] = adviceOn(STOCK.replace("flow_offloading '0'", "flow_offloading 'on'"), "all");
    assert.is_true(text.includes("no effect"));
  });

  it("names redirects of IKE and ESP, with where they led", () => {
    for (const options of [
      "option proto udp\n option src_dport 500",
      "option proto 'esp'",
      "list proto ah\n list proto esp",
    ]) {
      const [text] = adviceOn(redirect(options));
      assert.is_true(text.includes('redirect "x" to 192.168.1.5'), options);
    }
  });

  it("leaves other redirects alone, and what is disabled", () => {
    for (const options of [
      "option proto udp\n option src_dport 4500",
      "option proto tcp\n option src_dport 500",
      "option proto esp\n option enabled 0",
      "option proto esp\n option target SNAT",
    ]) {
      assert.same([], adviceOn(redirect(options)), options);
    }
  });
});
