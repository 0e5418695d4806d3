// SPDX-License-Identifier: GPL-2.0-only
// The program of one interface, put together: what is certain goes straight out of the other one, all else goes up.
//
// "Up" is on to whoever comes next: another program of the chain, the kernel, our own tap. Until the last condition holds
// nothing is written, to the packet or to a map.

import { exit, jump, label, move, type Step, store } from "../instruction";
import { tallyRow } from "../layout";
import { departure } from "./departure";
import { type Direction, type Environment, ROW_KEY } from "./environment";
import { demandSequenceAhead, keepSequence } from "./esp-sequence";
import { findEntry, jumpIfFlow } from "./find-entry";
import { rewriteTransport } from "./transport";
import { type Hook, packetStart } from "./packet-start";
import { permission } from "./permission";
import { plainHeader } from "./plain-header";

/** linux/bpf.h: XDP_PASS; TCX_NEXT, which tc knows as TC_ACT_UNSPEC: the next program decides. */
const PASS = { xdp: 2, classifier: -1 } as const;

/** Goes on when the packet has an entry and may leave by it now, with the time in r0; else to "up". */
function conditions(hook: Hook, direction: Direction, environment: Environment): Step[] {
  return [
    ...packetStart(hook),
    ...plainHeader(environment),
    ...findEntry(direction, environment),
    ...(direction === "inbound" ? [...jumpIfFlow(environment, "in order"), ...demandSequenceAhead()] : []),
    label("in order"),
    ...permission(environment),
  ];
}

/** What a packet's protocol alone asks for once it may leave. Leaves the number of its tally's row on the stack. */
function transport(direction: Direction, environment: Environment): Step[] {
  const esp = [...(direction === "inbound" ? keepSequence() : []), store("r10", ROW_KEY, tallyRow.esp[direction])];
  if (!environment.hasFlows) return esp;
  return [
    ...jumpIfFlow(environment, "flow"),
    ...esp,
    jump("ready"),
    label("flow"),
    ...rewriteTransport(),
    store("r10", ROW_KEY, tallyRow.flow[direction]),
    label("ready"),
  ];
}

/**
 * What an interface runs for each frame that comes in.
 * @param upwards what is done with a packet that goes up, at tcx and tc
 */
export function sideProgram(
  hook: Hook,
  direction: Direction,
  environment: Environment,
  upwards: readonly Step[] = [],
): Step[] {
  return [
    ...conditions(hook, direction, environment),
    ...transport(direction, environment),
    ...departure(direction, environment),
    label("up"),
    ...upwards,
    move("r0", PASS[hook]),
    exit(),
  ];
}
