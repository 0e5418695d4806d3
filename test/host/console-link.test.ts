// SPDX-License-Identifier: GPL-2.0-only
// A console conversation: what comes is found once, what does not come is told with what came instead.

import assert from "node:assert/strict";
import net from "node:net";
import { type Duplex, duplexPair } from "node:stream";
import { describe, it } from "node:test";
import { ConsoleLink, ConsoleProblem } from "../../src/host/console/link.js";

const GENEROUS_MS = 5000;

function boardAndLink(): { board: Duplex; link: ConsoleLink } {
  const [board, ours] = duplexPair();
  return { board, link: new ConsoleLink(ours) };
}

describe("a console link", () => {
  it("finds a prompt that comes in pieces", async () => {
    const { board, link } = boardAndLink();
    const arrival = link.expect(/=> $/, GENEROUS_MS, "the prompt");
    board.write("U-Boot 2023\r\n=");
    board.write("> ");
    assert.equal((await arrival).before, "U-Boot 2023\n");
  });

  it("does not take a prompt for the next one", async () => {
    const { board, link } = boardAndLink();
    board.write("=> ");
    await link.expect(/=> /, GENEROUS_MS, "the prompt");
    await assert.rejects(link.expect(/=> /, 50, "the next prompt"), /the next prompt did not come within 0.05 s/);
  });

  it("says which of several came first", async () => {
    const { board, link } = boardAndLink();
    board.write("Bad hash\n=> ");
    const { index } = await link.expect([/=> /, /Bad hash/], GENEROUS_MS, "the result");
    assert.equal(index, 1);
  });

  it("sees words through colours and cursor movements, also when those come in pieces", async () => {
    const { board, link } = boardAndLink();
    const arrival = link.expect(/log in/, GENEROUS_MS, "the login");
    board.write("lo\x1b[1;3");
    board.write("1mg i\x1b[0mn");
    await arrival;
  });

  it("shows what came instead", async () => {
    const { board, link } = boardAndLink();
    board.write("Kernel panic - not syncing\r\n");
    await assert.rejects(link.expect(/login:/, 50, "the login"), /\n {2}\| Kernel panic - not syncing$/);
  });

  it("tells a lost line from a late answer", async () => {
    const server = net.createServer((socket) => socket.end("half a line")).listen(0);
    const { port } = server.address() as net.AddressInfo;
    const link = new ConsoleLink(net.connect(port, "127.0.0.1"));
    try {
      await assert.rejects(link.expect(/=> /, GENEROUS_MS, "the prompt"), (problem: ConsoleProblem) => {
        assert.ok(problem.isLost);
        assert.match(problem.message, /The console is lost: .*\n {2}\| half a line/);
        return true;
      });
      assert.throws(() => {
        link.sendLine("help");
      }, ConsoleProblem);
    } finally {
      link.close();
      server.close();
    }
  });

  it("ends a line as a terminal does", async () => {
    const { board, link } = boardAndLink();
    link.sendLine("printenv");
    const [sent] = await new Promise<Buffer[]>((resolve) =>
      board.once("data", (...all: Buffer[]) => {
        resolve(all);
      }),
    );
    assert.equal(String(sent), "printenv\r");
  });
});
