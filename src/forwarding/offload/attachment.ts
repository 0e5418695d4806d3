// SPDX-License-Identifier: GPL-2.0-only
// One interface's program and where it is attached: the first of the possible places that works, and why not those before.
//
// Programs of others stay where they are. XDP has room for one, so where there is one already, ours goes to tcx or tc, which
// are chains; it goes to the chain's end, so others see every packet first.

import { closeBpf } from "../../system/bpf-call";
import { attachProgram, filterSocket, loadProgram } from "../../system/bpf-program";
import { isLittleEndian } from "../../system/ffi";
import { fail, type Outcome, succeed } from "../../system/outcome";
import type { FilterInstruction } from "../../system/socket-filter";
import { TrafficFilter } from "../../system/traffic-filter";
import type { Side } from "../side";
import { assemble } from "./assembler";
import type { Candidate, Place } from "./places";
import type { Direction, Environment } from "./programs/environment";
import { sideProgram, tapProgram } from "./programs/side-program";
import { translateFilter } from "./tap-translation";

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
   * @param filter of the side's tap, which must not take what a classifier takes
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
  const program = assemble(sideProgram(hook, direction, environment), isLittleEndian);
  const [loaded, problem] = loadProgram({ name, kind: hook }, program);
  if (loaded === undefined) return fail(problem);
  const [detach, attachProblem] = attachLoaded(loaded, side.link.index, place);
  closeBpf(loaded);
  if (detach === undefined) return fail(attachProblem);
  if (hook === "xdp") return succeed(detach);
  const [, tapProblem] = narrowTap(side, direction, environment, filter);
  if (tapProblem === undefined) return succeed(detach);
  detach();
  return fail(tapProblem);
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

/** From now on the side's tap leaves to the classifier what it takes. The socket keeps its filter by itself. */
function narrowTap(
  side: Side,
  direction: Direction,
  environment: Environment,
  filter: readonly FilterInstruction[],
): Outcome<true> {
  const steps = tapProgram(direction, environment, translateFilter(filter));
  const [program, problem] = loadProgram(
    { name: `vpnmasq_tap`, kind: "socketFilter" },
    assemble(steps, isLittleEndian),
  );
  if (program === undefined) return fail(problem);
  const [done, filterProblem] = filterSocket(side.ring.fd, program);
  closeBpf(program);
  return done === undefined ? fail(filterProblem) : succeed(true as const);
}
