// SPDX-License-Identifier: GPL-2.0-only
// The control socket's requests: each gets a reply, bad ones are told what is accepted, and long ones come in pages.

import { answerLine } from "../../../src/app/control-request";
import { readJson, writeJson } from "../../../src/app/json";
import type { EspItem } from "../../../src/app/report/esp-report";
import type { ExplainReport } from "../../../src/app/report/explain-report";
import type { TableReport } from "../../../src/app/report/table-report";
import { Random } from "../random";
import { CLIENT_A, routerWithWaitingClient, SampleRouter } from "./sample-router";

function ask<Reply>(router: SampleRouter, request: unknown): Reply {
  const line = type(request) === "string" ? (request as string) : writeJson(request);
  return readJson(answerLine(router, line))[0] as Reply;
}

describe("a control request", () => {
  it("of each command is answered", () => {
    const router = routerWithWaitingClient();
    for (const command of ["status", "explain", "counters", "configuration", "log"]) {
      assert.is_nil(ask<{ error?: string }>(router, { command }).error, command);
    }
  });

  it("that is wrong is told what is accepted", () => {
    const cases: [string, string][] = [
      ["{", "not JSON: line 1, column 2: Expected object key string but found T_END"],
      [
        "5",
        'a request is {"command": NAME}; NAME is one of "configuration", "counters", "explain", "health", "log", "status", "table"',
      ],
      [
        '{"command":"stats"}',
        'command: there is none of this name; use one of "configuration", "counters", "explain", "health", "log", "status", "table"; did you mean "status"?',
      ],
      ['{"command":"table","table":"arp"}', 'table: use "ike", "esp", "flows"'],
      ['{"command":"table","table":"esp","offset":-1}', "offset: use a whole number from 0"],
      ['{"command":"table","table":"esp","limit":1001}', "limit: use a whole number from 1 to 1000"],
      [
        '{"command":"explain","subject":"10.0.0.300"}',
        "subject: use an IPv4 address or an SPI (0x and 1 to 8 hex digits), or leave it out",
      ],
    ];
    for (const [line, problem] of cases) assert.same({ error: problem }, ask(new SampleRouter(), line));
  });

  it("of random bytes is answered too", () => {
    const random = new Random(4);
    const router = new SampleRouter();
    for (const _ of $range(1, 200)) {
      const line = string.char(...random.octets(random.below(60)));
      assert.is_not_nil(ask<{ error: string }>(router, line).error);
    }
  });

  it("for a table gets a page of it, sorted, with the total", () => {
    const router = new SampleRouter();
    for (const number of $range(1, 20)) router.sends(CLIENT_A + 20 - number, 0x1000 + number, 100);
    const page = ask<TableReport>(router, { command: "table", table: "esp", offset: 5, limit: 3 });
    assert.equal(20, page.total);
    assert.same(
      ["192.168.1.15", "192.168.1.16", "192.168.1.17"],
      page.items.map(({ client }) => client),
    );
    assert.same([], ask<TableReport>(router, { command: "table", table: "esp", offset: 100 }).items as EspItem[]);
  });

  it("for an explanation finds a client and an SPI", () => {
    const router = routerWithWaitingClient();
    assert.equal(2, ask<ExplainReport>(router, { command: "explain", subject: "192.168.1.10" }).esp.length);
    const bySpi = ask<ExplainReport>(router, { command: "explain", subject: "0x2001" });
    assert.equal("0x00001001", bySpi.esp[0].out_spi!);
    assert.equal("esp-bound", bySpi.decisions[0].reason);
  });
});
