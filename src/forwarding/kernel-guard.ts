// SPDX-License-Identifier: GPL-2.0-only
// Puts the kernel's rules in place, and takes them away again however this process ends.
//
// A small shell waits for the end of its standard input, which the kernel closes when we die, SIGKILL included; then it
// removes the table. Dropping clients' packets for a dead router would be worse than the kernel's own masquerade.

import { Guard, runProgram } from "../system/child-process";
import { fail, type Outcome, succeed } from "../system/outcome";
import { unsigned } from "../wire/word";
import { ownerChain, RULES_FAMILIES, RULES_TABLE } from "./kernel-rules";
import { OWN_PORTS_FIRST, OWN_PORTS_LAST } from "./territory";

/** A busy board takes a second for a transaction. */
const NFT_TIMEOUT_MS = 10000;
const OUTPUT_BYTES_MAX = 4096;
const PORT_RANGE = "/proc/sys/net/ipv4/ip_local_port_range";

/**
 * What the guard runs. $1 is the chain that only our table has, $2 says whether to narrow the router's port range. A
 * range found narrow was left by a guard that was killed itself: then the kernel's own comes back (inet_hashtables.c).
 *
 * A table is deleted by its handle, which a successor's table has not: between looking and deleting, one may start.
 */
const GUARD_SCRIPT = `
trap '' HUP INT TERM
range=$(echo $(cat ${PORT_RANGE}))
[ "$range" = "${OWN_PORTS_FIRST} ${OWN_PORTS_LAST}" ] && range="32768 60999"
[ "$2" = narrow ] && echo "${OWN_PORTS_FIRST} ${OWN_PORTS_LAST}" >${PORT_RANGE}
cat >/dev/null
[ "$2" = narrow ] && echo "$range" >${PORT_RANGE}
for family in ${RULES_FAMILIES.join(" ")}; do
table=$(nft -a list table $family ${RULES_TABLE} 2>/dev/null)
handle=\${table#*# handle }
case $table in
*"chain $1 "*) nft delete table $family handle "\${handle%%[!0-9]*}" 2>/dev/null ;;
esac
done
exit 0
`;

export class KernelGuard {
  private applied = "";

  private constructor(
    private readonly guard: Guard,
    /** Names this process in the rules: see kernelRules(). */
    readonly owner: string,
  ) {}

  /**
   * @param narrowsPorts keep the router's own connections out of the clients' ports (`scope all`)
   * @param token a random word, so that no other process' rules look like ours
   */
  static start(this: void, narrowsPorts: boolean, token: number): Outcome<KernelGuard> {
    const owner = string.format("%08x", unsigned(token));
    const script = ["sh", "-c", GUARD_SCRIPT, "vpnmasq-guard", ownerChain(owner), narrowsPorts ? "narrow" : "keep"];
    const [guard, problem] = Guard.start(script);
    return guard === undefined ? fail(problem) : succeed(new KernelGuard(guard, owner));
  }

  /** Replaces the table in one transaction; an error is nft's own words, and the table is as it was. */
  apply(rules: string): Outcome<true> {
    if (rules === this.applied) return succeed(true as const);
    const options = { input: rules, timeoutMs: NFT_TIMEOUT_MS, outputBytesMax: OUTPUT_BYTES_MAX };
    const [result, problem] = runProgram(["nft", "-f", "-"], options);
    if (result === undefined) return fail(problem);
    if (result.status !== 0) return fail(firstLine(result.errorOutput));
    this.applied = rules;
    return succeed(true as const);
  }

  /** An interface went; kernels before 6.16 take its chain with it, so what was applied is not there any more. */
  forget(): void {
    this.applied = "";
  }

  close(): void {
    this.guard.close(NFT_TIMEOUT_MS);
  }
}

/** nft shows the rule below its message; for a log the message is enough. */
function firstLine(output: string): string {
  const [line] = string.match(output, "^[^\n]*");
  return `nft: ${line}`;
}
