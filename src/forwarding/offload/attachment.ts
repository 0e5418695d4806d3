// SPDX-License-Identifier: GPL-2.0-only
// One interface's program and where it is attached: the first of the possible places that works, and why not those before.
//
// Programs of others stay where they are. XDP has room for one, so where there is one already, ours goes to tcx or tc, which
// are chains; it goes to the chain's end, so others see every packet first.

import { closeBpf } from "../../system/bpf-call";
import { attachProgram, loadProgram } from "../../system/bpf-program";
import { isLittleEndian } from "../../system/ffi";
import { fail, type Outcome, succeed } from "../../system/outcome";
import { incomingOnly } from "../../system/packet-ring";
import type { FilterInstruction } from "../../system/socket-filter";
import { TrafficFilter } from "../../system/traffic-filter";
import type { Side } from "../side";
import { assemble } from "./assembler";
import { handedOver, handOver, LOOPBACK_INDEX } from "./handover";
import type { Candidate, Place } from "./places";
import type { Direction, Environment } from "./programs/environment";
import { sideProgram } from "./programs/side-program";

/** Ends what was attached. */
type Detach = (this: void) => void;

export class Attachment {
  private constructor(
    readonly place: Place,
    /** Places that come before it, and why they were not taken. */
    readonly refusals: readonly string[],
    /** All packets go by the program from then on. */
    readonly close: Detach,
  ) {}

  /**
   * Attaches a program to the side that packets of a direction come in by.
   * @param filter of the side's tap, in whose place a classifier chooses what the daemon gets
   */
  static make(
    this: void,
    side: Side,
    direction: Direction,
    environment: Environment,
    candidates: readonly Candidate[],
    filter: readonly FilterInstruction[],
  ): Outcome<Attachment> {
    TrafficFilter.clear(side.link.index);
    const refusals: string[] = [];
    for (const { place, objection } of candidates) {
      if (objection !== undefined) {
        refusals.push(`${place}: ${objection}`);
      } else {
        const [detach, problem] = attachAt(place, side, direction, environment, filter);
        if (detach !== undefined) return succeed(new Attachment(place, refusals, detach));
        refusals.push(problem);
      }
    }
    return fail(refusals.join("; "));
  }
}

function attachAt(
  place: Place,
  side: Side,
  direction: Direction,
  environment: Environment,
  filter: readonly FilterInstruction[],
): Outcome<Detach> {
  const hook = place === "native XDP" || place === "generic XDP" ? "xdp" : "classifier";
  const name = `vpnmasq_${direction}`;
  const upwards = hook === "xdp" ? [] : handOver(environment, side.link.index, incomingOnly.concat(filter));
  const program = assemble(sideProgram(hook, direction, environment, upwards), isLittleEndian);
  const [loaded, problem] = loadProgram({ name, kind: hook }, program);
  if (loaded === undefined) return fail(problem);
  const [detach, attachProblem] = attachLoaded(loaded, side.link.index, place);
  closeBpf(loaded);
  if (detach === undefined) return fail(attachProblem);
  return hook === "xdp" ? succeed(detach) : listenBehind(side, filter, detach);
}

function attachLoaded(program: number, interfaceIndex: number, place: Place): Outcome<Detach> {
  if (place === "tc clsact") {
    const [filter, problem] = TrafficFilter.attach(program, interfaceIndex);
    if (filter === undefined) return fail(problem);
    return succeed(() => {
      filter.remove();
    });
  }
  const [link, problem] = attachProgram(program, interfaceIndex, place);
  if (link === undefined) return fail(problem);
  return succeed(() => {
    closeBpf(link);
  });
}

/** From now on the side's tap hears what the classifier hands over, until that is detached. */
function listenBehind(side: Side, filter: readonly FilterInstruction[], detach: Detach): Outcome<Detach> {
  const { index } = side.link;
  const listenAgain = (): void => {
    detach();
    side.ring.listen(index, filter);
  };
  const [done, problem] = side.ring.listen(LOOPBACK_INDEX, handedOver(index));
  if (done !== undefined) return succeed(listenAgain);
  listenAgain();
  return fail(problem);
}
