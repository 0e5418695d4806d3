// SPDX-License-Identifier: GPL-2.0-only
// What rpcd gets: its list of methods, and for each call one bounded object, whatever was asked.

import { answerLine } from "../../../src/app/control-request";
import { readJson, writeJson } from "../../../src/app/json";
import type { TableReport } from "../../../src/app/report/table-report";
import { answerCall, type Asker, listMethods, RPC_PAGE_ITEMS, RPC_REPLY_BYTES_MAX } from "../../../src/app/rpcd";
import { fail, succeed } from "../../../src/system/outcome";
import { CLIENT_A, routerWithWaitingClient, SampleRouter } from "./sample-router";

/** The router itself, asked without the socket between; there is no endpoint. */
function asker(router: SampleRouter): Asker {
  return (role, request) => {
    if (role === "endpoint") return fail("no vpnmasq endpoint answers");
    const reply = readJson(answerLine(router, writeJson(request)))[0] as { error?: string };
    if (reply.error !== undefined) return fail(reply.error);
    return succeed(reply);
  };
}

function call<Reply = { error?: string }>(router: SampleRouter, method: string, given: object | string = ""): Reply {
  const text = type(given) === "string" ? (given as string) : writeJson(given);
  return readJson(answerCall(method, text, asker(router)))[0] as Reply;
}

/** As many epochs as would fill several pages, each with long addresses. */
function fullRouter(): SampleRouter {
  const router = new SampleRouter();
  for (const number of $range(1, 200)) router.sends(CLIENT_A + number, 0x70000000 + number, 1400);
  return router;
}

describe("the rpcd plug-in", () => {
  it("lists its methods, each with an object of arguments, as rpcd wants it", () => {
    const text = listMethods();
    const [methods] = readJson(text);
    assert.same({ table: "esp", offset: 32, limit: 32 }, (methods as Record<string, object>).table);
    assert.is_not_nil(string.find(text, '"status":{}', 1, true)[0]);
  });

  it("answers with what the router says, and leaves rpcd's own arguments aside", () => {
    const { esp } = call<{ esp: unknown[] }>(routerWithWaitingClient(), "explain", {
      subject: "192.168.1.10",
      ubus_rpc_session: "00000000000000000000000000000000",
    });
    assert.equal(2, esp.length);
  });

  it("explains all that is out of the ordinary when the subject is empty", () => {
    assert.is_nil(call<{ subject?: string }>(routerWithWaitingClient(), "explain", { subject: "" }).subject);
  });

  it("gives lists in pages, and no longer ones than rpcd bears", () => {
    const router = fullRouter();
    const { items, total } = call<TableReport>(router, "table", { table: "esp", offset: 190 });
    assert.same([10, 200], [items.length, total]);
    assert.equal(RPC_PAGE_ITEMS.standard, call<TableReport>(router, "table", { table: "esp" }).items.length);
    const problem = "limit: use a whole number from 1 to 50";
    assert.same({ error: problem }, call(router, "table", { table: "esp", limit: 51 }));
  });

  it("says so instead of sending more than rpcd bears", () => {
    const long: Asker = () => succeed({ text: string.rep("x", RPC_REPLY_BYTES_MAX) });
    const problem = "the reply has more than 131072 bytes; ask for less (limit, subject)";
    assert.equal(writeJson({ error: problem }), answerCall("status", "{}", long));
  });

  it("answers with the reason when nobody runs, or the call is wrong", () => {
    const router = new SampleRouter();
    assert.same({ error: "no vpnmasq endpoint answers" }, call(router, "tunnels"));
    assert.same({ error: "arguments: use a JSON object" }, call(router, "status", "5"));
    assert.is_not_nil(string.find(call(router, "status", "{").error!, "arguments: not JSON", 1, true)[0]);
    assert.is_not_nil(string.find(call(router, "reboot").error!, 'use one of "counters", "explain"', 1, true)[0]);
  });

  it("gives each key with the bounds that a form needs", () => {
    const { router } = call<{ router: Record<string, unknown>[] }>(new SampleRouter(), "keys");
    const timer = router.find(({ key }) => key === "limits.esp_outstanding_ms")!;
    assert.same(["whole", 200, 120000, "ms"], [timer.kind, timer.least, timer.most, timer.unit]);
    const scope = router.find(({ key }) => key === "scope")!;
    assert.same(["vpn", "all"], scope.values);
  });
});
