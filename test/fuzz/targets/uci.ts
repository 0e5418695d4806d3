// SPDX-License-Identifier: GPL-2.0-only
// OpenWrt's configuration files, and what netifd tells of its interfaces: there is a document for each role, or
// sentences that say why not and can be printed.
//
// An input that begins with a brace is netifd's; any other is a file.

import { type InterfaceDump, readInterfaceDump } from "../../../src/app/uci/logical-interface";
import { readRole, type UciResult, type UciRole } from "../../../src/app/uci/uci-document";
import { readUciFile, type UciSection } from "../../../src/app/uci/uci-file";
import { firewallAdvice } from "../../../src/app/uci/firewall-advice";
import { textOf } from "../input";
import { changeJson } from "../json-mutation";
import { demandPrintable, kindOfSentence } from "../printable";
import { demand, type Reached, type Target } from "../target";

const NETWORK =
  '{"interface":[{"interface":"lan","up":true,"l3_device":"br-lan"},{"interface":"wan","l3_device":"eth1"},' +
  '{"interface":"wan6","up":false}]}';
const ROUTER = `
config router 'router'
	option enabled '1'
	option lan lan
	option wan "wan"
	list own_ports_tcp 22
	option limits_esp_outstanding_ms '4000' # a comment
`;
const ENDPOINT = `
config endpoint
	option role client; option timers_keylife_s 3600
config tunnel 'office'
	option daemon libreswan
	option connection "of\\"fice"
	option ping_source '10.0.1.1'
	option ping_target '10.99.0.1'
`;
const FIREWALL = `
config defaults
	option flow_offloading 1
	option flow_offloading_hw 'on'
config redirect
	option name 'to the old gateway'
	list proto udp
	list proto esp
	option src_dport 500
	option dest_ip 192.168.1.5
`;
const ROLES: readonly UciRole[] = ["router", "endpoint"];

const network = readInterfaceDump(NETWORK);
const files = [ROUTER, ENDPOINT].map((text) => readUciFile(text)[0]!);

function check(result: UciResult, reached: Reached): void {
  reached.note(result.kind);
  if (result.kind === "waiting") demandPrintable([result.reason]);
  if (result.kind !== "wrong") return;
  demand(result.problems.length > 0, "wrong, without a problem");
  demandPrintable(result.problems);
  for (const problem of result.problems) reached.note(kindOfSentence(problem));
}

function checkRoles(sections: readonly UciSection[], dump: InterfaceDump | undefined, reached: Reached): void {
  for (const role of ROLES) check(readRole(role, sections, dump), reached);
}

function readNetwork(text: string, reached: Reached): void {
  const dump = readInterfaceDump(text);
  reached.note(dump === undefined ? "no dump" : `${Math.min(dump.names.length, 4)} interfaces`);
  for (const sections of files) checkRoles(sections, dump, reached);
}

function readFile(text: string, reached: Reached): void {
  const [sections, problem] = readUciFile(text);
  if (sections === undefined) {
    demand(string.match(problem, "^line %d+: ")[0] !== undefined, `a problem without its line: ${problem}`);
    demandPrintable([problem]);
    reached.note(kindOfSentence(problem));
    return;
  }
  checkRoles(sections, network, reached);
  demandPrintable(firewallAdvice(sections, "all"));
}

export const uci: Target = {
  name: "uci",
  explanation: "OpenWrt's files and netifd's answer: a document for each role, or sentences that can be printed.",
  seeds: () => [ROUTER, ENDPOINT, ROUTER + ENDPOINT, FIREWALL, NETWORK],
  tokens: [
    "\nconfig ",
    "\n\toption ",
    "\n\tlist ",
    "'",
    '"',
    "\\",
    ";",
    "#",
    "\\\n",
    "router",
    "tunnel 'x'",
    "enabled",
  ],
  repair: (mutation, random) => {
    const isNetwork = mutation.lengthBytes > 0 && mutation.bytes[0] === string.byte("{");
    if (isNetwork) changeJson(mutation, NETWORK, ["interface", "l3_device", "up"], random);
  },
  execute: (input, reached) => {
    const text = textOf(input);
    if (string.sub(text, 1, 1) === "{") readNetwork(text, reached);
    else readFile(text, reached);
  },
};
