// SPDX-License-Identifier: GPL-2.0-only
// Programs that are run and guards, tried with real ones: what they say, how they end, and what is left behind.

import { Guard, runProgram } from "../../../src/system/child-process";
import { monotonicMs } from "../../../src/system/clock";
import { collectGarbage, must, outputOf, problemOf, resourcesHeld } from "./network";

const RUN = { timeoutMs: 5000, outputBytesMax: 100_000 };

/** What a file holds once it is there; "" when it does not come. */
function awaitFile(path: string): string {
  return outputOf(`for i in $(seq 200); do [ -s ${path} ] && break; sleep 0.02; done; cat ${path} 2>/dev/null`);
}

describe("a program that is run", () => {
  it("gives its status and both outputs", () => {
    const result = must(runProgram(["sh", "-c", "echo out; echo problem >&2; exit 3"], RUN));
    collectGarbage();
    assert.same({ status: 3, output: "out\n", errorOutput: "problem\n" }, result);
  });

  it("reads the input, also more of it than a pipe holds", () => {
    const input = string.rep("0123456789", 50_000);
    const result = must(runProgram(["wc", "-c"], { ...RUN, input }));
    assert.matches("^500000", result.output);
    const echoed = must(runProgram(["cat"], { ...RUN, input, outputBytesMax: 1_000_000 }));
    assert.is_true(echoed.output === input);
  });

  it("that does not read its input does no harm", () => {
    const input = string.rep("x", 300_000);
    assert.equal(0, must(runProgram(["true"], { ...RUN, input })).status);
  });

  it("gives no more output than may be kept", () => {
    const result = must(runProgram(["sh", "-c", "yes | head -c 300000"], { ...RUN, outputBytesMax: 1000 }));
    assert.equal(1000, string.len(result.output));
    assert.equal(0, result.status);
  });

  it("that is not there is named", () => {
    const problem = problemOf(runProgram(["no-such-program"], RUN));
    assert.equal("no-such-program: cannot be started: No such file or directory", problem);
  });

  it("is killed when its time is over", () => {
    const startMs = monotonicMs();
    assert.matches("sleep: killed", problemOf(runProgram(["sleep", "20"], { ...RUN, timeoutMs: 100 })));
    assert.is_true(monotonicMs() - startMs < 3000);
  });

  it("that a signal ended says so", () => {
    assert.equal(128 + 15, must(runProgram(["sh", "-c", "kill -TERM $$"], RUN)).status);
  });

  it("that left a child with its output open is not waited for", () => {
    const startMs = monotonicMs();
    assert.equal("ok\n", must(runProgram(["sh", "-c", "sleep 3 & echo ok"], RUN)).output);
    assert.is_true(monotonicMs() - startMs < 2000);
  });

  it("gets none of our descriptors", () => {
    const result = must(runProgram(["sh", "-c", "ls /proc/$$/fd"], RUN));
    assert.equal("0\n1\n2\n", result.output);
  });

  it("leaves no descriptor behind", () => {
    const before = resourcesHeld();
    for (const _ of $range(1, 10)) {
      must(runProgram(["true"], RUN));
      problemOf(runProgram(["no-such-program"], RUN));
    }
    assert.equal(before, resourcesHeld());
  });
});

describe("a guard", () => {
  let folder: string;

  before_each(() => {
    folder = outputOf("mktemp -d");
  });

  after_each(() => {
    os.execute(`rm -r ${folder}`);
  });

  it("cleans up at a normal end, and is waited for", () => {
    const guard = must(Guard.start(["sh", "-c", `cat > ${folder}/told; exit 4`]));
    must(guard.tell("tables\n"));
    collectGarbage();
    assert.equal(4, must(guard.close(5000)));
    assert.equal("tables", awaitFile(`${folder}/told`));
    assert.matches("closed", problemOf(guard.close(100)));
    assert.matches("closed", problemOf(guard.tell("more")));
  });

  it("cleans up when its owner is killed by SIGKILL", () => {
    const start = `require("src.system.child-process").Guard.start`;
    const program =
      `local guard = ${start}({"sh", "-c", "cat > ${folder}/told; echo cleaned > ${folder}/cleaned"}) ` +
      `guard:tell("owned\\n") local ready = io.open("${folder}/ready", "w") ready:write("yes") ready:close() while true do end`;
    os.execute(`luajit -joff -e '${program}' & echo $! > ${folder}/owner`);
    assert.equal("yes", awaitFile(`${folder}/ready`));
    assert.equal("", outputOf(`cat ${folder}/cleaned 2>/dev/null`));
    os.execute(`kill -KILL $(cat ${folder}/owner)`);
    assert.equal("cleaned", awaitFile(`${folder}/cleaned`));
    assert.equal("owned", outputOf(`cat ${folder}/told`));
  });

  it("that is gone cannot be told, and that is an error and not our end", () => {
    const guard = must(Guard.start(["true"]));
    os.execute("sleep 0.1");
    assert.matches("Broken pipe", problemOf(guard.tell("anything")));
    assert.equal(0, must(guard.close(1000)));
  });

  it("that does not end is told of", () => {
    const guard = must(Guard.start(["sh", "-c", "cat; sleep 1"]));
    assert.matches("still running", problemOf(guard.close(50)));
  });
});
