// SPDX-License-Identifier: GPL-2.0-only
// A network to try things in: veth pairs in a namespace that the specs have to themselves.
//
// The specs change interfaces and read raw frames, so they refuse to run in the machine's own network. Run them with
// `unshare --net --mount`.

import type { Outcome } from "../../../src/system/outcome";
import { type Link, RouteSocket } from "../../../src/system/rtnetlink";

/** The value of an outcome; without one the spec fails with what was wrong. */
export function must<Value>(outcome: Outcome<Value>): Value {
  const value = outcome[0];
  if (value === undefined) error(outcome[1] ?? "nothing", 0);
  return value;
}

/** The problem of an outcome; with a value the spec fails. */
export function problemOf<Value>(outcome: Outcome<Value>): string {
  const problem = outcome[1];
  if (problem === undefined) error("worked, where a refusal was expected", 0);
  return problem;
}

/** What a command prints, without its last newline. */
export function outputOf(command: string): string {
  const [pipe] = io.popen(command, "r");
  const text = pipe!.read("*a") ?? "";
  pipe!.close();
  return string.match(text, "^(.-)\n?$")[0];
}

/** Runs a shell command, which must succeed. */
export function shell(command: string): void {
  const output = outputOf(`( ${command} ) 2>&1; echo "status=$?"`);
  if (string.match(output, "status=0$")[0] === undefined) error(`${command}\n${output}`, 0);
}

/**
 * Ends the spec unless it runs in a network of its own: one that leads nowhere. (Comparing namespaces with process 1 is
 * not enough: where that process cannot be read, every network looks like another one.)
 */
export function demandOwnNetwork(): void {
  const isMachines = outputOf("readlink /proc/self/ns/net") === outputOf("readlink /proc/1/ns/net");
  if (isMachines || outputOf("ip -4 route show default; ip -6 route show default") !== "") {
    error("these specs need a network of their own: run them with `unshare --net --mount`", 0);
  }
}

let pairCount = 0;

/** Two interfaces joined by a cable, both up. */
export class VethPair {
  readonly near: string;
  readonly far: string;

  constructor(options = "") {
    demandOwnNetwork();
    pairCount += 1;
    this.near = `near${pairCount}`;
    this.far = `far${pairCount}`;
    // A spec that failed may have left a pair of this name.
    this.remove();
    shell(`ip link add ${this.near} ${options} type veth peer name ${this.far}`);
    for (const name of [this.near, this.far]) {
      // No frames of the kernel's own: they would be counted with ours.
      shell(`sysctl -q net.ipv6.conf.${name}.disable_ipv6=1 net.ipv4.conf.${name}.rp_filter=0 || true`);
      shell(`ip link set ${name} up`);
    }
  }

  remove(): void {
    os.execute(`ip link delete ${this.near} 2>/dev/null`);
  }
}

/** Ends by itself when a spec that fails leaves it behind. */
const REMOTE_SECONDS_MAX = 60;

/** Another host: a network of its own that an interface can be moved to. */
export class RemoteHost {
  private readonly processId: string;

  constructor() {
    const start = `unshare --net sleep ${REMOTE_SECONDS_MAX} >/dev/null 2>&1 & echo $!`;
    this.processId = outputOf(start);
    const ownNetwork = outputOf("readlink /proc/self/ns/net");
    shell(
      `for i in $(seq 100); do n=$(readlink /proc/${this.processId}/ns/net); ` +
        `[ -n "$n" ] && [ "$n" != "${ownNetwork}" ] && exit 0; sleep 0.01; done; exit 1`,
    );
  }

  take(interfaceName: string): void {
    shell(`ip link set ${interfaceName} netns ${this.processId}`);
  }

  shell(command: string): void {
    shell(`nsenter --net=/proc/${this.processId}/ns/net -- ${command}`);
  }

  /** Starts a program there and does not wait for its end. */
  start(command: string): void {
    os.execute(`nsenter --net=/proc/${this.processId}/ns/net -- ${command} &`);
  }

  remove(): void {
    os.execute(`kill ${this.processId} 2>/dev/null`);
  }
}

/** The link of a name, as the kernel has it now. */
export function linkNamed(name: string): Link {
  const routes = must(RouteSocket.open());
  const link = must(routes.links()).find((candidate) => candidate.name === name);
  routes.close();
  if (link === undefined) error(`no link ${name}`, 0);
  return link;
}

/** Collects garbage twice, so that what finalizers let go of goes too. */
export function collectGarbage(): void {
  collectgarbage();
  collectgarbage();
}

/** How many descriptors and mapped rings this process holds. No pipe brings the answer: it would be counted, or not. */
export function resourcesHeld(): string {
  collectGarbage();
  const path = os.tmpname();
  os.execute(`{ ls /proc/$PPID/fd | wc -l; grep -c socket: /proc/$PPID/maps; } > ${path}`);
  return outputOf(`cat ${path}; rm ${path}`);
}
