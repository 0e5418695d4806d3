// SPDX-License-Identifier: GPL-2.0-only
// The line server and its client: bounds, rights, and what is left by servers that died.

import { monotonicMs } from "../../../src/system/clock";
import { EventLoop } from "../../../src/system/event-loop";
import { create, declareC, typeOf } from "../../../src/system/ffi";
import { askServer, LineServer, type LineServerOptions } from "../../../src/system/unix-socket";
import { collectGarbage, must, outputOf, problemOf } from "./network";

/** struct rlimit */
interface Limit {
  soft: unknown;
  hard: unknown;
}

/** @noSelf */
interface LimitLibrary {
  getrlimit(resource: number, limit: Limit): number;
  setrlimit(resource: number, limit: Limit): number;
}

const C = declareC<LimitLibrary>(`
  int getrlimit(int resource, void *limit);
  int setrlimit(int resource, const void *limit);
`);

/** sys/resource.h */
const RLIMIT_NOFILE = 7;
const limitType = typeOf<Limit>("struct { unsigned long soft; unsigned long hard; }");

const CLIENT_TIMEOUT_MS = 10_000;
/** Enough for a client to start and for the server to try a second time. */
const STARVED_MS = 1500;

describe("a line server", () => {
  let folder: string;
  let path: string;
  let loop: EventLoop;
  let server: LineServer;
  let closed: number;

  function listen(changes: Partial<LineServerOptions> = {}): void {
    server = must(
      LineServer.listen(loop, {
        path,
        connectionsMax: 2,
        lineBytesMax: 100,
        outputBytesMax: 200_000,
        onLine: (connection, line) => {
          collectGarbage();
          connection.send(`you said ${line}\n`);
        },
        onClose: () => {
          closed += 1;
        },
        ...changes,
      }),
    );
  }

  /** Asks from another process while the loop runs here; what that process printed. */
  function ask(line: string, replyBytesMax = 1_000_000, afterRound = (): void => undefined): string {
    startAsking(line, replyBytesMax);
    return answerTo(afterRound);
  }

  function startAsking(line: string, replyBytesMax: number): void {
    const module = `local ask = require("src.system.unix-socket").askServer`;
    const program = `${module} print(ask("${path}", ${line}, {timeoutMs = 5000, replyBytesMax = ${replyBytesMax}}))`;
    os.execute(`(luajit -e '${program}' > ${folder}/output 2>&1; touch ${folder}/done) &`);
  }

  function answerTo(afterRound = (): void => undefined): string {
    const done = `${folder}/done`;
    const deadlineMs = monotonicMs() + CLIENT_TIMEOUT_MS;
    while (monotonicMs() < deadlineMs && outputOf(`ls ${done} 2>/dev/null`) === "") {
      for (const _ of $range(1, 10)) {
        loop.runOnce(2);
        afterRound();
      }
    }
    os.execute(`rm -f ${done}`);
    return outputOf(`cat ${folder}/output`);
  }

  before_each(() => {
    folder = outputOf("mktemp -d");
    path = `${folder}/deep/er/control.sock`;
    loop = new EventLoop();
    closed = 0;
  });

  after_each(() => {
    server.close();
    server.close();
    os.execute(`rm -r ${folder}`);
  });

  it("answers a line with a line", () => {
    listen();
    assert.equal("you said hello\tnil", ask('"hello"'));
    loop.runOnce(0);
    assert.equal(1, closed);
  });

  it("is for its owner alone", () => {
    listen();
    assert.equal("600", outputOf(`stat -c %a ${path}`));
  });

  it("sends a reply that is larger than the socket's buffer", () => {
    listen({ outputBytesMax: 2_000_000, onLine: (connection) => connection.send(`${string.rep("x", 900_000)}\n`) });
    assert.equal(900_004, string.len(ask('"big"')));
  });

  it("closes a connection that sends a line without end", () => {
    listen();
    assert.matches("nil\t.*closed without a whole reply", ask('string.rep("y", 101)'));
    assert.equal(1, closed);
  });

  it("closes a connection whose reader is too slow for what waits", () => {
    let isOpen = true;
    listen({
      outputBytesMax: 1000,
      onLine: (connection) => {
        isOpen = connection.send(string.rep("z", 1_000_000));
      },
    });
    ask('"more than the socket takes"', 10);
    assert.is_false(isOpen);
    assert.equal(1, closed);
  });

  it("answers the lines of one packet a round each, in their order", () => {
    const lines: string[] = [];
    let before = 0;
    listen({
      onLine: (connection, line) => {
        lines.push(line);
        connection.send(`${line} back\n`);
      },
    });
    const reply = ask('"one\\ntwo"', 1_000_000, () => {
      assert.is_true(lines.length - before <= 1);
      before = lines.length;
    });
    assert.equal("one back\tnil", reply);
    assert.same(["one", "two"], lines);
  });

  it("takes no further line from a client that does not read", () => {
    let lines = 0;
    listen({
      outputBytesMax: 2_000_000,
      onLine: (connection) => {
        lines += 1;
        connection.send(string.rep("z", 1_000_000));
      },
    });
    ask('"one\\ntwo\\nthree"', 10);
    assert.equal(1, lines);
  });

  it("does not spin while no descriptor is left for a client, and lets it in afterwards", () => {
    listen();
    startAsking('"hello"', 1_000_000);
    const limit = create(limitType);
    C.getrlimit(RLIMIT_NOFILE, limit);
    const before = limit.soft;
    limit.soft = 1;
    C.setrlimit(RLIMIT_NOFILE, limit);
    const untilMs = monotonicMs() + STARVED_MS;
    let rounds = 0;
    while (monotonicMs() < untilMs) {
      loop.runOnce(math.ceil(untilMs - monotonicMs()));
      rounds += 1;
    }
    limit.soft = before;
    C.setrlimit(RLIMIT_NOFILE, limit);
    assert.is_true(rounds >= 2 && rounds <= 10, `${rounds} rounds`);
    assert.equal("you said hello\tnil", answerTo());
  });

  it("takes the place of a socket that a dead server left", () => {
    listen();
    const left = `${folder}/left.sock`;
    const module = `require("src.system.unix-socket").LineServer`;
    const dying =
      `local L = ${module} local E = require("src.system.event-loop").EventLoop ` +
      `L.listen(setmetatable({watch=function() end}, {}), {path="${left}"}) os.exit(true, false)`;
    os.execute(`luajit -e '${dying}'`);
    assert.equal("socket", outputOf(`stat -c %F ${left}`));
    server.close();
    listen({ path: left });
    path = left;
    assert.equal("you said hello\tnil", ask('"hello"'));
  });

  it("refuses where another server answers", () => {
    listen();
    const options = { path, connectionsMax: 1, lineBytesMax: 10, outputBytesMax: 10, onLine: () => undefined };
    assert.matches("another server answers", problemOf(LineServer.listen(loop, options)));
    assert.equal("you said still here\tnil", ask('"still here"'));
  });

  it("removes its socket at the end", () => {
    listen();
    server.close();
    assert.equal("", outputOf(`ls ${path} 2>/dev/null`));
  });

  it("that does not answer is given up on in time", () => {
    listen();
    const startMs = monotonicMs();
    assert.matches("no reply in time", problemOf(askServer(path, "hello", { timeoutMs: 50, replyBytesMax: 100 })));
    assert.is_true(monotonicMs() - startMs < 2000);
  });

  it("that is not there, and a path too long for a socket, are named", () => {
    listen();
    const ask = { timeoutMs: 50, replyBytesMax: 100 };
    const missing = `${folder}/none.sock`;
    assert.equal(`${missing}: no connection: No such file or directory`, problemOf(askServer(missing, "x", ask)));
    assert.matches("has 200 bytes", problemOf(askServer(string.rep("p", 200), "x", ask)));
  });
});
